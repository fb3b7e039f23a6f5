//! Type text and schema JSON.

use super::*;

#[test]
fn text_forms_are_read_back() {
    for text in [
        "BOOLEAN",
        "BIGINT",
        "DECIMAL(12,2)",
        "LIST<VARCHAR>",
        "MAP<VARCHAR,LIST<DOUBLE>>",
        "STRUCT<street VARCHAR, geo STRUCT<lat DOUBLE, lon DOUBLE>>",
        "LIST<STRUCT<sku VARCHAR, price DECIMAL(10,2)>>",
        "INTERVAL DAY TO SECOND",
    ] {
        let ty = DremioType::parse(text).unwrap();
        assert_eq!(ty.to_string(), text);
        assert_eq!(DremioType::parse(&ty.declaration()), Some(ty));
    }
    assert_eq!(DremioType::parse("NONSENSE"), None);
}

#[test]
fn schema_json_of_contract_4_5() {
    let check = |ty: &str, expected: Value| {
        assert_eq!(DremioType::parse(ty).unwrap().to_json(), expected, "{ty}");
    };
    check("BIGINT", json!({"name": "BIGINT"}));
    check("DECIMAL(10,2)", json!({"name": "DECIMAL", "precision": 10, "scale": 2}));
    check("LIST<VARCHAR>", json!({"name": "LIST", "subSchema": [{"type": {"name": "VARCHAR"}}]}));
    check(
        "STRUCT<zip INTEGER>",
        json!({"name": "STRUCT", "subSchema": [{"name": "zip", "type": {"name": "INTEGER"}}]}),
    );
    check(
        "MAP<VARCHAR,BIGINT>",
        json!({"name": "MAP", "subSchema": [{"type": {"name": "STRUCT", "subSchema": [
            {"name": "key", "type": {"name": "VARCHAR"}},
            {"name": "value", "type": {"name": "BIGINT"}}]}}]}),
    );
}
