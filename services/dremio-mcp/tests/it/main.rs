//! The gateway as its clients meet it: in process, on port 0, with a real child process behind it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod access;
mod audit;
mod audit_file;
mod budget;
mod child;
mod clients;
mod command;
mod confinement;
mod doctor;
mod doctor_access;
mod doctor_faults;
mod doctor_public;
mod doctor_servers;
mod egress;
mod egress_jobs;
mod guard;
mod key_rotation;
mod keys;
mod ledger;
mod legacy;
mod mix_up;
mod modern;
mod official;
mod policy;
mod policy_accounts;
mod policy_rows;
mod relay;
mod servers;
mod sessions;
mod setting;
mod statements;
mod status;
mod subscriptions;
mod support;
mod telemetry;
mod tickets;
mod transport_figures;
mod view;
