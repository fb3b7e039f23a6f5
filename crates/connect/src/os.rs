//! The systems that clients run on.

/// The system that a folder belongs to, which need not be the one that this program runs on: a
/// container can have a folder of macOS mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Linux and other Unixes.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}
