//! Where the fixture's executable is. What it does is described in `main.rs`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The executable, built if need be: `cargo test --package …` builds only its own package's
/// binaries.
///
/// # Panics
/// When cargo cannot build it. It is meant for tests.
#[must_use]
#[expect(clippy::expect_used, reason = "only tests use it")]
pub fn executable() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        // A test runs as TARGET/PROFILE/deps/NAME, a benchmark or example one folder beside that.
        let own = std::env::current_exe().expect("a process knows its executable");
        let profile = own.ancestors().nth(2).expect("cargo puts tests two folders deep");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", env!("CARGO_PKG_NAME"), "--manifest-path"]);
        cargo
            .args([concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "--target-dir"])
            .arg(profile.parent().expect("a profile lies in a target folder"));
        // The profile `dev` has a folder of another name.
        let folder = profile.file_name().expect("a profile's folder has a name");
        cargo.arg("--profile").arg(if folder == "debug" { "dev".as_ref() } else { folder });
        assert!(
            cargo.status().is_ok_and(|status| status.success()),
            "cargo cannot build the fixture"
        );
        profile.join(env!("CARGO_PKG_NAME"))
    };
    BUILT.get_or_init(build).clone()
}
