use opentelemetry_proto::tonic::common::v1::any_value::Value;
use service_kit::env::{Env, Reader};
use service_kit::settings::Service;

use super::{Sampling, TraceId, TraceParent, TracesConfig};

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

fn config(variables: &[(&str, &str)]) -> Result<Option<TracesConfig>, String> {
    let env = Env::from_pairs(variables.iter().copied());
    let mut reader = Reader::new(&env, Service::Gateway);
    let config = TracesConfig::read(&mut reader);
    reader.finish_part().map(|()| config).map_err(|problems| problems.to_string())
}

fn with(name: &str, value: &str) -> Result<TracesConfig, String> {
    config(&[ENDPOINT, (name, value)]).map(Option::unwrap)
}

#[test]
fn without_an_endpoint_there_are_no_traces() {
    assert!(config(&[]).unwrap().is_none());
    assert!(config(&[("OTEL_TRACES_SAMPLER", "always_on")]).unwrap().is_none());
    assert!(config(&[("OTEL_TRACES_SAMPLER", "always")]).is_err(), "checked all the same");
}

#[test]
fn the_endpoint_is_that_of_all_signals() {
    for (endpoint, expected) in [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("https://collector.example/otlp/", "https://collector.example/otlp/v1/traces"),
    ] {
        let config = config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]).unwrap().unwrap();
        let url = config.endpoint.join(TracesConfig::PATH).unwrap();
        assert_eq!(url.as_str(), expected);
    }
    for (endpoint, said) in [
        ("collector:4318", "http://collector:4318"),
        ("grpc://collector:4317", "http://collector:4318"),
        ("http://a:b@collector", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://collector/?key=1", "query"),
    ] {
        let problem = config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]).unwrap_err();
        assert!(problem.contains(said) && !problem.contains("a:b"), "{problem}");
    }
}

#[test]
fn grpc_is_refused_with_the_cure() {
    let problem = with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").unwrap_err();
    assert!(problem.contains("use http/protobuf") && problem.contains("4318"), "{problem}");
    for (protocol, media_type) in [
        ("", "application/x-protobuf"),
        ("http/protobuf", "application/x-protobuf"),
        ("http/json", "application/json"),
    ] {
        let config = with("OTEL_EXPORTER_OTLP_PROTOCOL", protocol).unwrap();
        assert_eq!(config.protocol.media_type(), media_type);
    }
}

#[test]
fn headers_are_decoded_and_never_told() {
    let config = with("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20s3cret,x-team = a ");
    let headers = config.unwrap().headers().unwrap();
    assert_eq!(headers["authorization"], "Bearer s3cret");
    assert_eq!(headers["x-team"], "a");
    assert!(!format!("{headers:?}").contains("s3cret"));
    for bad in ["s3cret", "a b=s3cret", "=s3cret", "a=s3cret%0a"] {
        let problem = with("OTEL_EXPORTER_OTLP_HEADERS", bad).unwrap_err();
        assert!(!problem.contains("s3cret"), "{problem}");
    }
    let config = with("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20s3cret").unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_file_of_headers_is_read_again() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "x-key=first\n").unwrap();
    let path = file.path().to_str().unwrap();
    let config = with("OTEL_EXPORTER_OTLP_HEADERS_FILE", path).unwrap();
    assert_eq!(config.headers().unwrap()["x-key"], "first");
    std::fs::write(&file, "x-key=second\n").unwrap();
    assert_eq!(config.headers().unwrap()["x-key"], "second");
    std::fs::remove_file(&file).unwrap();
    assert!(config.headers().is_err());
    assert!(with("OTEL_EXPORTER_OTLP_HEADERS_FILE", path).is_err());
}

#[test]
fn resource_attributes() {
    let resource = |variables: &[(&str, &str)]| {
        let config = config(&[&[ENDPOINT], variables].concat()).unwrap().unwrap();
        let mut pairs = Vec::new();
        for attribute in config.resource().attributes {
            let Some(Value::StringValue(value)) = attribute.value.unwrap().value else { panic!() };
            pairs.push(format!("{}={value}", attribute.key));
        }
        pairs.retain(|pair| !pair.starts_with("service.version="));
        pairs
    };
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=x,team=data%20eng");
    assert_eq!(resource(&[]), ["service.name=dremio-mcp"]);
    assert_eq!(resource(&[attributes]), ["service.name=x", "team=data eng"]);
    assert_eq!(
        resource(&[attributes, ("OTEL_SERVICE_NAME", "gateway-a")]),
        ["team=data eng", "service.name=gateway-a"]
    );
    assert!(with("OTEL_RESOURCE_ATTRIBUTES", "team").unwrap_err().contains("`team`"));
}

#[test]
fn samplers() {
    let sampling = |name: &str, share: &str| {
        let variables =
            [ENDPOINT, ("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", share)];
        config(&variables).map(|config| config.unwrap().sampling)
    };
    for (name, argument, follows_parent, share) in [
        ("", "", true, 0.01),
        ("always_on", "", false, 1.0),
        ("always_off", "", false, 0.0),
        ("traceidratio", "0.5", false, 0.5),
        ("parentbased_always_on", "", true, 1.0),
        ("parentbased_always_off", "", true, 0.0),
        ("parentbased_traceidratio", "1", true, 1.0),
    ] {
        assert_eq!(sampling(name, argument), Ok(Sampling { follows_parent, share }), "{name}");
    }
    for (name, share) in
        [("jaeger_remote", ""), ("traceidratio", "2"), ("", "-1"), ("", "NaN"), ("", "1%")]
    {
        assert!(sampling(name, share).is_err(), "{name} {share}");
    }
}

#[test]
fn which_calls_are_traced() {
    // The share is measured by the upper half of the lower half, as in other programs.
    let id = |place: u64| TraceId(u128::from(place));
    let (low, half, high) = (id(0), id(1 << 63), id(u64::MAX));
    let parent = |is_sampled| Some(TraceParent { trace_id: high, span_id: 1, is_sampled });
    for (follows_parent, share, trace_id, parent, expected) in [
        (true, 0.0, low, None, false),
        (true, 1.0, high, None, true),
        (true, 0.5, low, None, true),
        (true, 0.5, half, None, false),
        (true, 0.500_01, half, None, true),
        (true, 0.0, low, parent(true), true),
        (true, 1.0, low, parent(false), false),
        (false, 0.0, low, parent(true), false),
        (false, 1.0, low, parent(false), true),
    ] {
        let sampling = Sampling { follows_parent, share };
        assert_eq!(sampling.takes(trace_id, parent), expected, "{sampling:?} {trace_id}");
    }
}
