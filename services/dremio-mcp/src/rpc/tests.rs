use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ErrorCode, Kind, Message, ParseError, RpcError, insert_members};

fn parse(text: &str) -> Result<Message, ParseError> {
    Message::parse(text.to_owned())
}

#[test]
fn messages_are_classified() {
    for (text, kind) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, Kind::Request),
        (r#" {"method":"ping","id":"a","jsonrpc":"2.0","params":{}}"#, Kind::Request),
        (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, Kind::Notification),
        (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, Kind::Response),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#, Kind::Response),
        (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#, Kind::Response),
        // `null` for an absent member.
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null,"result":null,"error":null}"#,
            Kind::Request,
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"notifications/initialized","params":null}"#,
            Kind::Notification,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null,"method":null}"#, Kind::Response),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":null,"error":{"code":1,"message":"x"}}"#,
            Kind::Response,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"result":null,"error":null}"#, Kind::Response),
    ] {
        assert_eq!(parse(text).unwrap().kind(), kind, "{text}");
    }
}

#[test]
fn null_members_and_an_empty_cursor_are_absent() {
    for params in [
        "null",
        "{}",
        r#"{"cursor":null,"_meta":null,"arguments":null}"#,
        r#"{"cursor":"","_meta":{"progressToken":null}}"#,
    ] {
        let message = parse(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#
        ))
        .unwrap();
        let read = message.params().unwrap();
        assert!(
            read.is_first_page() && read.arguments.is_none() && read.meta.progress_token.is_none(),
            "{params}"
        );
        assert_eq!(
            message.to_line("7", Some("7")),
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{params}}}"#)
        );
    }
    let second =
        parse(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"2"}}"#).unwrap();
    assert!(!second.params().unwrap().is_first_page());
}

#[test]
fn malformed_messages_are_refused() {
    for (text, expected) in [
        ("", ParseError::NotJson),
        ("{", ParseError::NotJson),
        ("hello", ParseError::NotJson),
        ("[", ParseError::NotJson),
        ("[]", ParseError::Batch),
        ("7", ParseError::NotRpc("it is not an object")),
        (r#"{"id":1,"method":"ping"}"#, ParseError::NotRpc("`jsonrpc` is not \"2.0\"")),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            ParseError::NotRpc("`id` is neither a string nor a number"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
            ParseError::NotRpc("`id` is neither a string nor a number"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":null}"#,
            ParseError::NotRpc("it has neither a `method` nor a `result` or `error`"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1}"#,
            ParseError::NotRpc("it has neither a `method` nor a `result` or `error`"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#,
            ParseError::NotRpc("a member has the wrong type or stands twice"),
        ),
    ] {
        assert_eq!(parse(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn ambiguous_json_is_refused_with_the_id_if_readable() {
    let call = |id: &str, argument: &str| {
        format!(
            concat!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","#,
                r#""params":{{"arguments":{argument}}}}}"#,
            ),
            id = id,
            argument = argument,
        )
    };
    for (text, id) in [
        (call("7", r#""\ud800""#), Some("7")),
        (call(r#""a\u0062""#, r#"{"x":1,"x":2}"#), Some(r#""a\u0062""#)),
        (call(r#""\ud800""#, r#""\ud800""#), None),
        (call("null", r#""\ud800""#), None),
        (call(r#"[1]"#, r#""\ud800""#), None),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.to_owned(), None),
        (r#"{"jsonrpc":"2.0","id":3,"method":"\udc00"}"#.to_owned(), Some("3")),
        (format!("[{}]", call("7", r#""\ud800""#)), None),
    ] {
        let (cause, found) = Message::parse_strictly(text.clone()).unwrap_err();
        assert!(matches!(cause, ParseError::NotStrict(_)), "{text}: {cause:?}");
        assert_eq!(found.as_deref(), id, "{text}");
    }
    let (cause, id) = Message::parse_strictly(r#"{"id":1,"x":"\ud800""#.to_owned()).unwrap_err();
    assert_eq!((cause, id), (ParseError::NotJson, None));
    assert!(Message::parse_strictly(call("7", r#""\ud83d\ude00""#)).is_ok());
}

#[test]
fn only_id_and_progress_token_are_replaced() {
    let text = "{\"jsonrpc\":\"2.0\", \"x-vendor\":1.10,\n \
                \"id\":\"a\\\"b\",\"method\":\"tools/call\",\r\n\"params\":{\"z\":1e400,\"_meta\":\
                {\"k\":[],\"progressToken\" : \"p\"},\"a\":12345678901234567890123}}";
    let line = parse(text).unwrap().to_line("7", Some("7"));
    assert_eq!(
        line,
        "{\"jsonrpc\":\"2.0\", \"x-vendor\":1.10,  \"id\":7,\"method\":\"tools/call\",  \
         \"params\":{\"z\":1e400,\"_meta\":{\"k\":[],\"progressToken\" : \
         7},\"a\":12345678901234567890123}}"
    );
}

#[test]
fn a_progress_notification_gets_the_clients_token() {
    let text = concat!(
        r#"{"method":"notifications/progress","#,
        r#""params":{"progressToken":7,"progress":1.0},"jsonrpc":"2.0"}"#,
    );
    let line = parse(text).unwrap().to_line("", Some("\"mine\""));
    assert_eq!(
        line,
        concat!(
            r#"{"method":"notifications/progress","#,
            r#""params":{"progressToken":"mine","progress":1.0},"jsonrpc":"2.0"}"#,
        )
    );
}

#[test]
fn responses_are_created_and_get_ids() {
    assert_eq!(
        Message::from_result("{}").with_id("\"x\""),
        r#"{"jsonrpc":"2.0","id":"x","result":{}}"#
    );
    assert_eq!(
        Message::from_result("{}").with_payload("5", "[1]"),
        r#"{"jsonrpc":"2.0","id":5,"result":[1]}"#
    );
    let error = RpcError::new(ErrorCode::Parse, "no").object();
    assert_eq!(
        Message::from_error(&error).with_id("1"),
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32700,"message":"no"}}"#
    );
}

#[test]
fn members_are_added_at_the_front() {
    let added = [r#""a":1"#.to_owned()];
    assert_eq!(insert_members("{}", &added), r#"{"a":1}"#);
    assert_eq!(insert_members("{ }", &added), r#"{"a":1 }"#);
    assert_eq!(insert_members(r#"{"b":2}"#, &added), r#"{"a":1,"b":2}"#);
    assert_eq!(insert_members(r#"{"b":2}"#, &[]), r#"{"b":2}"#);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no NaN", |n| n.is_finite()).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn random_parameters_and_results_are_unchanged(
        value in any_json(),
        pretty in any::<bool>(),
        id in any::<u64>(),
    ) {
        let text = |id: Value, token: Value| {
            let params = json!({ "v": value, "_meta": { "progressToken": token } });
            let request = json!({ "jsonrpc": "2.0", "id": id, "method": "m", "params": params });
            if pretty {
                serde_json::to_string_pretty(&request).unwrap()
            } else {
                request.to_string()
            }
        };
        let message = parse(&text("c".into(), "t".into())).unwrap();
        let line = message.to_line(&id.to_string(), Some("9"));
        prop_assert_eq!(line, text(id.into(), 9.into()).replace('\n', " "));

        let response = json!({ "jsonrpc": "2.0", "id": id, "result": { "v": value } }).to_string();
        let back = parse(&response).unwrap().with_id("\"c\"");
        prop_assert_eq!(back, response.replacen(&format!("\"id\":{id}"), "\"id\":\"c\"", 1));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*|[\\[{\",:}\\]a-z0-9. \\\\]*") {
        if let Ok(message) = parse(&text) {
            let _ = (message.params().is_ok(), message.to_line("1", Some("1")));
        }
    }
}

#[test]
fn setting_meta_keeps_the_rest_of_a_message() {
    for (text, expected) in [
        (
            r#"{"jsonrpc":"2.0","method":"n"}"#,
            r#"{"params":{"_meta":{"k":1}},"jsonrpc":"2.0","method":"n"}"#,
        ),
        (
            r#"{"jsonrpc":"2.0", "method":"n", "params":{"uri":"x:\u00e9","n":1.10} }"#,
            concat!(
                r#"{"jsonrpc":"2.0", "method":"n", "#,
                r#""params":{"_meta":{"k":1},"uri":"x:\u00e9","n":1.10} }"#,
            ),
        ),
        (
            r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"a": 2}}}"#,
            r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"k":1,"a": 2}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"k":[3]}}}"#,
            r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"k":1}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"n","params":null}"#,
            r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"k":1}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":null}}"#,
            r#"{"jsonrpc":"2.0","method":"n","params":{"_meta":{"k":1}}}"#,
        ),
    ] {
        assert_eq!(parse(text).unwrap().with_meta("k", "1"), expected);
    }
    let made = Message::request("m", r#"{"a":1}"#);
    assert_eq!(
        (made.with_id("7").as_str(), made.params_text()),
        (r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":1}}"#, Some(r#"{"a":1}"#))
    );
    assert_eq!(parse(made.text()).unwrap().kind(), made.kind());
    assert_eq!(Message::notification("n", None).text(), r#"{"jsonrpc":"2.0","method":"n"}"#);
}

#[test]
fn an_argument_is_made_longer_and_nothing_else_changes() {
    let call = |arguments: &str| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1.50,\"method\":\"tools/call\",\n \
             \"params\":{{\"name\":\"t\",\"arguments\":{arguments}}}}}"
        )
    };
    let longer = |arguments: &str| {
        let message = Message::parse(call(arguments)).unwrap();
        message.with_longer_argument("query", "\n/*\"x\"*/").map(|longer| longer.text().to_owned())
    };
    for (arguments, expected) in [
        (r#"{"query":"SELECT 1"}"#, r#"{"query":"SELECT 1\n/*\"x\"*/"}"#),
        (
            r#"{"a":1.0,"query" : "\u0041\"" ,"b":"é"}"#,
            r#"{"a":1.0,"query" : "\u0041\"\n/*\"x\"*/" ,"b":"é"}"#,
        ),
        (r#"{"qu\u0065ry":""}"#, r#"{"qu\u0065ry":"\n/*\"x\"*/"}"#),
    ] {
        assert_eq!(longer(arguments), Some(call(expected)), "{arguments}");
    }
    for arguments in ["null", "[]", "{}", r#"{"query":1}"#, r#"{"query":null}"#, r#"{"q":"query"}"#]
    {
        assert_eq!(longer(arguments), None, "{arguments}");
    }
}
