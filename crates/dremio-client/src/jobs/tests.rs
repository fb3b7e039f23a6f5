//! Job ids and states.

use super::*;

#[test]
fn job_ids_are_checked() {
    let check = |text: &str, expected: bool| {
        assert_eq!(text.parse::<JobId>().is_ok(), expected, "{text:?}");
    };
    check("1b0a2c3d-0000-1111-2222-333344445500", true);
    check("1B0A2C3D-0000-1111-2222-333344445500", true);
    check("", false);
    check("1b0a2c3d-0000-1111-2222-33334444550", false);
    check("1b0a2c3d-0000-1111-2222-3333444455000", false);
    check("1b0a2c3d000011112222333344445500", false);
    check("1b0a2c3d-0000-1111-2222-33334444550g", false);
    check("../../../../../apiv2/login?x=1234567", false);
    check("1b0a2c3d-0000-1111-2222-333344445500-", false);
}

#[test]
fn known_states_are_read_and_others_tolerated() {
    let check = |name: &str, expected: JobState, terminal: bool| {
        let state: JobState = serde_json::from_str(&format!("{name:?}")).unwrap();
        assert_eq!(state, expected);
        assert_eq!(state.is_terminal(), terminal, "{name}");
    };
    check("NOT_SUBMITTED", JobState::NotSubmitted, false);
    check("STARTING", JobState::Starting, false);
    check("RUNNING", JobState::Running, false);
    check("COMPLETED", JobState::Completed, true);
    check("CANCELED", JobState::Canceled, true);
    check("FAILED", JobState::Failed, true);
    check("CANCELLATION_REQUESTED", JobState::CancellationRequested, false);
    check("ENQUEUED", JobState::Enqueued, false);
    check("PLANNING", JobState::Planning, false);
    check("PENDING", JobState::Pending, false);
    check("METADATA_RETRIEVAL", JobState::MetadataRetrieval, false);
    check("QUEUED", JobState::Queued, false);
    check("ENGINE_START", JobState::EngineStart, false);
    check("EXECUTION_PLANNING", JobState::ExecutionPlanning, false);
    check("INVALID_STATE", JobState::InvalidState, false);
    check("SOMETHING_NEW", JobState::Unknown, false);
    assert!(serde_json::from_str::<JobState>("3").is_err());
}
