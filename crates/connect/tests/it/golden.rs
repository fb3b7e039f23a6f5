//! A file for each client: what is shown, and what is written for a person who has no file yet.
//! `BLESS=1 cargo test -p connect` writes them.

use std::collections::BTreeSet;
use std::path::Path;

use connect::{Home, clients, render, write};

use crate::{open, read, with_key};

#[test]
fn every_client_is_shown_and_written_as_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let bless = std::env::var_os("BLESS").is_some();
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for client in clients() {
        let path = folder.join(format!("{}.txt", client.name));
        names.insert(format!("{}.txt", client.name));
        let mut text = render(client, &with_key(), None);
        text.push_str("\n==== without a key\n");
        text.push_str(&render(client, &open(), None));
        if let Some(file) = &client.file {
            let home = tempfile::tempdir().unwrap();
            let home = Home::at(home.path());
            write(client, &with_key(), &home).unwrap();
            text.push_str("\n==== a new file\n");
            text.push_str(&read(&home.file(file)));
        }
        if bless {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            wrong.push(format!("{}:\n{text}", path.display()));
        }
    }
    let found = std::fs::read_dir(&folder).unwrap();
    let found: BTreeSet<_> =
        found.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, names, "files of clients that there are not");
    assert!(wrong.is_empty(), "{}\nBLESS=1 cargo test -p connect", wrong.join("\n"));
}
