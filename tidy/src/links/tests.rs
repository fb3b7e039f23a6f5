//! A document with good and dead links.

use super::dead_links;

#[test]
fn dead_links_are_found_and_good_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("docs/other.md", "# The `first` one!\n\n## Twice\n\n## Twice\n");
    write("src/main.rs", "");
    for good in [
        "[a](other.md)",
        "[a](./other.md#the-first-one)",
        "[a](other.md#twice-1)",
        "[a](../src/main.rs)",
        "[a](../src)",
        "[a](#here)",
        "[a](https://example.com/gone)",
        "<mailto:a@example.com>",
        "[a][b]\n\n[b]: other.md",
        "`[a](gone.md)`",
        "```\n[a](gone.md)\n```",
    ] {
        write("docs/this.md", &format!("# Here\n\n{good}\n"));
        assert_eq!(dead_links(folder.path(), "docs/this.md").unwrap(), [], "{good}");
    }
    for (dead, said) in [
        ("[a](gone.md)", "the link gone.md leads nowhere: there is no docs/gone.md"),
        ("![a](gone.png)", "the link gone.png leads nowhere: there is no docs/gone.png"),
        ("[a](other.md#gone)", "leads nowhere: docs/other.md has no heading #gone"),
        ("[a](other.md#twice-2)", "leads nowhere: docs/other.md has no heading #twice-2"),
        ("[a](#gone)", "leads nowhere: docs/this.md has no heading #gone"),
        ("[a](../../other)", "the link ../../other leads nowhere: it leaves the repository"),
        ("[a][b]\n\n[b]: gone.md", "there is no docs/gone.md"),
    ] {
        write("docs/this.md", &format!("# Here\n\n{dead}\n"));
        let [found] = dead_links(folder.path(), "docs/this.md").unwrap().try_into().unwrap();
        assert!(found.text.starts_with("docs/this.md:3: "), "{}", found.text);
        assert!(found.text.contains(said), "{}", found.text);
    }
}
