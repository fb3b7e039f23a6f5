use super::{Mask, Private};

fn masked(text: &str) -> String {
    let private = Private { hosts: vec!["bigbox".to_owned()], people: vec!["ada".to_owned()] };
    Mask::new(&private).text(text)
}

#[test]
fn names_addresses_and_paths_become_words() {
    for (text, expected) in [
        ("nothing to hide, at 12:30 with 25.2.0", "nothing to hide, at 12:30 with 25.2.0"),
        ("http://bigbox:9047 answers", "http://HOST-1:9047 answers"),
        ("bigbox is bigbox.", "HOST-1 is HOST-1."),
        ("DREMIO_URI=https://dremio.corp.example:9047", "DREMIO_URI=https://HOST-1:9047"),
        ("to 10.1.2.3:9047, not [fd00::7]:9047", "to ADDRESS-1:9047, not ADDRESS-2:9047"),
        ("127.0.0.1:8000, [::1]:8000, 0.0.0.0:8000", "127.0.0.1:8000, [::1]:8000, 0.0.0.0:8000"),
        ("chmod o-r /home/ada/keys", "chmod o-r PATH-1"),
        ("the keys in /home/ada/keys: bad", "the keys in PATH-1: bad"),
        ("/tokens/token.json is empty", "/tokens/token.json is empty"),
        ("/tokens/of/ada", "PATH-1"),
        ("http://token-refresher:9465/", "http://token-refresher:9465/"),
        ("mail ada.l@corp.example", "mail USER-1@HOST-1"),
        ("https://u:p@x.corp/a?b", "https://USER-1@HOST-1PATH-1?b"),
        ("scripts/setup.sh --ca-bundle FILE", "scripts/setup.sh --ca-bundle FILE"),
        ("MCP_ALLOWED_HOSTS=mcp.corp.example,bigbox", "MCP_ALLOWED_HOSTS=HOST-1,HOST-2"),
        ("user ada may not", "user USER-1 may not"),
    ] {
        assert_eq!(masked(text), expected);
    }
}
