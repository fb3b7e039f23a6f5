//! Files and lines at their limits.

use super::{long_files, long_lines, unfinished};

#[test]
fn a_file_may_have_as_many_lines_as_the_limit() {
    let found = long_files([("a.rs", "\n\n\n"), ("b.rs", "\n\n\n\n")], 3);
    let texts: Vec<_> = found.iter().map(|finding| finding.text.as_str()).collect();
    assert_eq!(texts, ["b.rs: 4 lines, at most 3: find the seam and split it"]);
}

#[test]
fn a_line_may_have_as_many_columns_as_the_limit() {
    for (text, lines) in [
        ("// 4567890", &[][..]),
        ("// 45678é0", &[]),
        ("fn f() {}\n// 45678901", &[2]),
        ("const S: &str = \"a\";", &[1]),
        ("const S: &str =\n r\"4567890123\nmore than ten\";\nconst LONG: u8 = 1;", &[1, 4]),
        ("/// 4567890123\nfn f() {}", &[1]),
    ] {
        let found = long_lines("a.rs", text, 10).unwrap();
        let starts: Vec<_> = lines.iter().map(|line| format!("a.rs:{line}: ")).collect();
        assert_eq!(found.len(), lines.len(), "{text}: {found:?}");
        assert!(found.iter().zip(starts).all(|(it, start)| it.text.starts_with(&start)), "{text}");
    }
}

#[test]
fn work_left_for_later_is_found() {
    let note = concat!("TO", "DO");
    assert_eq!(unfinished("a.rs", &format!("\n// {note}: later\n")).len(), 1);
    assert_eq!(unfinished("a.rs", &format!("let {note}S = 1; // {note}_LIST")), []);
}
