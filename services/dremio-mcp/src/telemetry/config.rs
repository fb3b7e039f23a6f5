//! The standard variables (OpenTelemetry specification, "Environment Variable Specification" and
//! "OTLP Exporter"), as far as they count here.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use dremio_client::{DremioUri, DremioUriError};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use service_kit::env::Reader;
use service_kit::{SecretSource, settings};

use super::trace_parent::{TraceId, TraceParent};

const SERVICE_NAME: &str = "service.name";

/// Where traces go, and which.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// An address as Dremio's: without user, query or fragment.
    pub(super) endpoint: DremioUri,
    pub(super) protocol: Protocol,
    headers: Option<SecretSource>,
    attributes: Vec<(String, String)>,
    pub(super) sampling: Sampling,
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    Protobuf,
    Json,
}

/// Which calls are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sampling {
    /// Whether a client that traces decides for its own calls.
    pub(super) follows_parent: bool,
    /// The share of other calls, from 0 to 1.
    pub(super) share: f64,
}

impl TracesConfig {
    /// Where traces are received below the endpoint (OTLP, "OTLP/HTTP Request").
    pub(super) const PATH: &str = "/v1/traces";

    /// Reads what counts; `None` without an endpoint. Everything is checked even then.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let endpoint = reader.text(&settings::OTEL_EXPORTER_OTLP_ENDPOINT).map(endpoint);
        let protocol = reader.parsed(&settings::OTEL_EXPORTER_OTLP_PROTOCOL, protocol);
        let headers = reader.secret(&settings::OTEL_EXPORTER_OTLP_HEADERS);
        // A file that cannot be read is a problem already.
        if let Some(Err(problem)) =
            headers.as_ref().filter(|it| it.read().is_ok()).map(read_headers)
        {
            reader.problem(&settings::OTEL_EXPORTER_OTLP_HEADERS, problem);
        }
        let attributes = reader.text(&settings::OTEL_RESOURCE_ATTRIBUTES).unwrap_or_default();
        let mut attributes = pairs(attributes).unwrap_or_else(|problem| {
            reader.problem(&settings::OTEL_RESOURCE_ATTRIBUTES, problem);
            Vec::new()
        });
        // A name of its own goes before that in the attributes.
        let own_name = reader.text(&settings::OTEL_SERVICE_NAME).map(str::to_owned);
        if own_name.is_some() {
            attributes.retain(|(name, _)| name != SERVICE_NAME);
        }
        if !attributes.iter().any(|(name, _)| name == SERVICE_NAME) {
            let name = own_name.unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned());
            attributes.push((SERVICE_NAME.to_owned(), name));
        }
        let share = reader.parsed(&settings::OTEL_TRACES_SAMPLER_ARG, share);
        let sampling = reader.parsed(&settings::OTEL_TRACES_SAMPLER, |name| sampling(name, share));
        match endpoint? {
            Ok(endpoint) => Some(Self { endpoint, protocol, headers, attributes, sampling }),
            Err(problem) => {
                reader.problem(&settings::OTEL_EXPORTER_OTLP_ENDPOINT, problem);
                None
            }
        }
    }

    /// The headers of a request. A secret.
    ///
    /// # Errors
    /// Why there are none, in words that say nothing of a value. A later call may succeed.
    pub(super) fn headers(&self) -> Result<HeaderMap, String> {
        self.headers.as_ref().map_or_else(|| Ok(HeaderMap::new()), read_headers)
    }

    /// What is said of this process with all spans.
    pub(super) fn resource(&self) -> Resource {
        let version = ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let pairs = self.attributes.iter().cloned().chain([version]);
        let attributes = pairs.map(|(key, value)| KeyValue {
            key,
            value: Some(AnyValue { value: Some(Value::StringValue(value)) }),
            ..KeyValue::default()
        });
        Resource { attributes: attributes.collect(), ..Resource::default() }
    }
}

impl Protocol {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

impl Sampling {
    /// Whether a call is traced. The share is that of the trace's name, as other programs do it, so
    /// that those with the same share take the same traces.
    pub(super) fn takes(self, trace_id: TraceId, parent: Option<TraceParent>) -> bool {
        if let Some(parent) = parent.filter(|_| self.follows_parent) {
            return parent.is_sampled;
        }
        let place = u32::try_from(trace_id.0 >> 32 & u128::from(u32::MAX)).unwrap_or_default();
        f64::from(place) < self.share * (f64::from(u32::MAX) + 1.0)
    }
}

fn endpoint(text: &str) -> Result<DremioUri, String> {
    text.parse().map_err(|cause| match cause {
        DremioUriError::Credentials => {
            "holds a user or a password; put them into OTEL_EXPORTER_OTLP_HEADERS, as \
             Authorization=Basic%20…"
                .to_owned()
        }
        DremioUriError::Query | DremioUriError::Fragment => cause.to_string(),
        _ => "is not an http(s) address like http://collector:4318".to_owned(),
    })
}

fn protocol(text: &str) -> Result<Protocol, String> {
    match text {
        "http/protobuf" => Ok(Protocol::Protobuf),
        "http/json" => Ok(Protocol::Json),
        "grpc" => Err("gRPC is not spoken here; use http/protobuf, which collectors take on port \
                       4318 in place of 4317"
            .to_owned()),
        other => Err(format!("`{other}` is not spoken here; use http/protobuf or http/json")),
    }
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("`{text}` is not a share of calls from 0 to 1, such as 0.01"))
}

fn sampling(name: &str, share: f64) -> Result<Sampling, String> {
    let (follows_parent, own) = match name.strip_prefix("parentbased_") {
        Some(own) => (true, own),
        None => (false, name),
    };
    let share = match own {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => share,
        _ => {
            return Err(format!(
                "`{name}` is not a sampler; use always_on, always_off or traceidratio, each also \
                 with parentbased_ in front"
            ));
        }
    };
    Ok(Sampling { follows_parent, share })
}

/// As the headers of a request. The problem tells nothing of a value.
fn read_headers(source: &SecretSource) -> Result<HeaderMap, String> {
    let text = source.read().map_err(|cause| cause.to_string())?;
    let pairs = pairs(text.expose_secret()).map_err(|_| {
        "is not a list of name=value, comma-separated, with values percent-encoded: \
         Authorization=Bearer%20…"
            .to_owned()
    })?;
    let header = |(name, value): (String, String)| {
        let (name, mut value) =
            (HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        value.set_sensitive(true);
        Some((name, value))
    };
    pairs
        .into_iter()
        .map(|pair| header(pair).ok_or_else(|| "holds what cannot be an HTTP header".to_owned()))
        .collect()
}

/// `name=value,…`, with values percent-encoded (W3C Baggage, without properties).
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
    let pair = |element: &str| {
        let (name, value) = element.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let name = name.trim();
        (!name.is_empty()).then(|| (name.to_owned(), value.into_owned()))
    };
    elements
        .map(|element| {
            pair(element).ok_or_else(|| {
                format!(
                    "`{element}` is not name=value; write for example \
                     deployment.environment.name=production,team=data"
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
