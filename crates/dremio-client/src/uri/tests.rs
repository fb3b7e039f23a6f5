//! Which texts are valid addresses, and the URLs made from them.

use super::*;

fn uri(text: &str) -> DremioUri {
    text.parse().unwrap()
}

#[test]
fn addresses_are_accepted_and_shown() {
    let check = |text: &str, shown: &str| assert_eq!(uri(text).to_string(), shown, "{text:?}");
    check("http://dremio:9047", "http://dremio:9047");
    check("http://dremio:9047/", "http://dremio:9047");
    check(" HTTPS://Dremio.Example.COM \n", "https://dremio.example.com");
    check("https://dremio:443", "https://dremio");
    check("http://127.0.0.1:9047", "http://127.0.0.1:9047");
    check("http://[::1]:9047", "http://[::1]:9047");
    check("https://proxy/tools/dremio/", "https://proxy/tools/dremio");
    assert!(uri("https://dremio").is_https());
    assert!(!uri("http://dremio").is_https());
    assert_eq!(uri("http://dremio:9047").host(), "dremio");
}

#[test]
fn invalid_addresses_are_refused_without_repeating_them() {
    let check = |text: &str, expected: DremioUriError| {
        let error = text.parse::<DremioUri>().unwrap_err();
        assert_eq!(error, expected, "{text:?}");
        assert!(!error.to_string().contains("sekret"));
    };
    check("", DremioUriError::Scheme);
    check("dremio:9047", DremioUriError::Scheme);
    check("localhost", DremioUriError::Scheme);
    check("//dremio:9047", DremioUriError::Scheme);
    check("ftp://dremio", DremioUriError::Scheme);
    check("jdbc:dremio:direct=dremio:31010", DremioUriError::Scheme);
    check("http://", DremioUriError::Malformed);
    check("http://dremio:99999", DremioUriError::Malformed);
    check("http://dre mio:9047", DremioUriError::Malformed);
    check("http://dremio\n:9047", DremioUriError::Malformed);
    check("http:\\\\dremio", DremioUriError::Scheme);
    check("http://dremio\\@other", DremioUriError::Malformed);
    check("http://ada:sekret@dremio:9047", DremioUriError::Credentials);
    check("http://ada@dremio:9047", DremioUriError::Credentials);
    check("http://:sekret@dremio:9047", DremioUriError::Credentials);
    check("http://dremio:9047?token=sekret", DremioUriError::Query);
    check("http://dremio:9047/#sekret", DremioUriError::Fragment);
    check("http://dremio:9047/api/v3", DremioUriError::ApiPath);
    check("http://dremio:9047/apiv2/", DremioUriError::ApiPath);
    check("http://dremio:9047/api", DremioUriError::ApiPath);
}

#[test]
fn urls_keep_their_encoding_and_never_leave_the_server() {
    let check = |base: &str, path: &str, expected: &str| {
        assert_eq!(uri(base).join(path).unwrap().as_str(), expected, "{base:?} {path:?}");
    };
    check("http://d:9047", "/api/v3/sql", "http://d:9047/api/v3/sql");
    check("http://d:9047", "/a%2Fb%20c;x?q=%3F&r=a+b", "http://d:9047/a%2Fb%20c;x?q=%3F&r=a+b");
    check("https://p/tools/", "/api/v3/sql?x", "https://p/tools/api/v3/sql?x");
    check("http://d:9047", "api", "http://d:9047/api");
    check("http://d:9047", "", "http://d:9047/");
    check("http://d:9047", "@evil.example/x", "http://d:9047/@evil.example/x");
    check("http://d:9047", "//evil.example/x", "http://d:9047//evil.example/x");
    check("http://d:9047", ":80/x", "http://d:9047/:80/x");
}

#[test]
fn a_path_that_a_url_would_change_is_refused() {
    for base in ["http://d:9047", "https://p/tools/dremio"] {
        for path in [
            r"/api/v3/catalog/x\..\..\..\..\apiv2\users\all",
            r"/api\v3",
            "/api/../apiv2",
            "/api/./v3",
            "/api/%2e%2E/apiv2",
            "/api/.%2e",
            "/a b",
            "/größe",
            "/x#y",
            "/x?y#z",
            "/x?a b",
            "/x\ty",
            "/x\n/y",
            "/x?a\nb",
        ] {
            assert_eq!(uri(base).join(path), None, "{base} {path:?}");
        }
    }
}
