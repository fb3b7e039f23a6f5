//! The settings of a service as text for its `--help`.

use super::{Default, HANDED_ON, HANDED_ON_PREFIX, Service, Setting};

/// Columns of the text: what a terminal has at least, and a bit more for the names.
const COLUMNS: usize = 100;

/// Where the explanations begin. The official server's names are longer: theirs begin below.
const NAME_COLUMNS: usize = 25;

/// Every setting of `service` with its default, in groups, and how values are written.
#[must_use]
pub fn help(service: Service) -> String {
    let mut text = "Settings come from the environment:\n".to_owned();
    let mut group = "";
    for setting in super::ALL.iter().filter(|setting| is_shown(setting, service)) {
        if setting.group != group {
            group = setting.group;
            text.push_str(&format!("\n{group}\n"));
        }
        text.push_str(&entry(setting.name, &explained(setting, service)));
    }
    if service == Service::Gateway {
        let others = format!("its other settings, except address and token; and {}", {
            HANDED_ON.join(", ")
        });
        text.push_str(&entry(&format!("{HANDED_ON_PREFIX}…"), &others));
    }
    text.push_str(
        "\nA secret NAME can also be given as NAME_FILE, the file that holds it. Durations need a \
         unit: 90s,\n5m, 6h. A variable without a value counts as not set.",
    );
    text
}

/// The gateway explains what it hands on.
fn is_shown(setting: &Setting, service: Service) -> bool {
    setting.services.contains(&service)
        || service == Service::Gateway && setting.services.contains(&Service::OfficialServer)
}

fn explained(setting: &Setting, service: Service) -> String {
    let without = match setting.default {
        Default::Required("") => "(required)".to_owned(),
        Default::Required(example) => format!("(required, for example {example})"),
        Default::Unset("") => return setting.help.to_owned(),
        Default::Unset(what) => format!("[{what}]"),
        Default::Is(_) | Default::Each { .. } => format!("[{}]", setting.default.value(service)),
    };
    format!("{} {without}", setting.help)
}

fn entry(name: &str, explanation: &str) -> String {
    let (start, indent) = (format!("  {name:<NAME_COLUMNS$}"), " ".repeat(NAME_COLUMNS + 2));
    let start = if name.len() < NAME_COLUMNS { start } else { format!("{start}\n{indent}") };
    let options =
        textwrap::Options::new(COLUMNS).initial_indent(&indent).subsequent_indent(&indent);
    let text = textwrap::fill(explanation, options.break_words(false));
    format!("{start}{}\n", text.trim_start())
}
