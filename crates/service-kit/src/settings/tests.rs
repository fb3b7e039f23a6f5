use super::{ALL, Service, help, is_known};

/// Every name that is one slip of the keyboard away from `name`, with one letter for all.
fn slips(name: &str) -> Vec<String> {
    let mut slips = Vec::new();
    for at in 0..name.len() {
        let (before, from) = name.split_at(at);
        let (letter, after) = from.split_at(1);
        slips.push(format!("{before}{after}"));
        slips.push(format!("{before}X{after}"));
        slips.push(format!("{before}X{from}"));
        if let Some(next) = after.chars().next() {
            slips.push(format!("{before}{next}{letter}{}", &after[1..]));
        }
    }
    slips.retain(|slip| !is_known(slip));
    slips
}

#[test]
fn a_slip_stops_its_service_and_no_other() {
    for (service, other) in
        [(Service::TokenRefresher, Service::Gateway), (Service::Gateway, Service::TokenRefresher)]
    {
        let mut judged = 0;
        for setting in service.settings() {
            for slip in setting.names().iter().flat_map(|name| slips(name)) {
                let meant = service.meant_by(&slip);
                assert!(meant.is_some(), "{slip} of {} passes {}", setting.name, service.name());
                if !setting.services.contains(&other) {
                    assert_eq!(other.meant_by(&slip), None, "{slip} stops {}", other.name());
                    judged += 1;
                }
            }
        }
        assert!(judged > 200, "{judged}");
    }
}

#[test]
fn a_stranger_is_no_slip() {
    for name in ["DREMIO_SERVICE_HOST", "DREMIO_PORT_9047_TCP", "MCP_COLOUR", "PATH", "LANG"] {
        for service in [Service::TokenRefresher, Service::Gateway] {
            assert_eq!(service.meant_by(name), None, "{name}");
        }
    }
}

#[test]
fn the_next_name_is_offered() {
    for (service, name, meant) in [
        (Service::TokenRefresher, "RETRY_MIN", Some("RETRY_MAX")),
        (Service::Gateway, "RETRY_MIN", None),
        (Service::Gateway, "MCP_ADR", Some("MCP_ADDR")),
        (Service::TokenRefresher, "MCP_ADR", None),
        (Service::TokenRefresher, "DREMIO_PASWORD_FILE", Some("DREMIO_PASSWORD_FILE")),
        (Service::Gateway, "DREMIO_PASWORD_FILE", None),
    ] {
        assert_eq!(service.meant_by(name).as_deref(), meant, "{} {name}", service.name());
    }
}

#[test]
fn help_shows_what_a_service_reads() {
    for service in [Service::TokenRefresher, Service::Gateway] {
        let help = help(service);
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        let is_shown = |name: &str| help.lines().any(|line| line.split(' ').nth(2) == Some(name));
        for setting in ALL {
            let expected = setting.services.contains(&service)
                || service == Service::Gateway && setting.services == [Service::OfficialServer];
            assert_eq!(is_shown(setting.name), expected, "{}: {help}", setting.name);
        }
    }
    let help = help(Service::TokenRefresher);
    for part in [
        "  RETRY_MAX                longest pause; also the pace when the password is wrong [5m]\n",
        "(required, for example http://dremio:9047)\n",
        "[127.0.0.1:9465]\n",
        "[text on a terminal, else json]\n",
    ] {
        let joined = help.replace(&format!("\n{}", " ".repeat(27)), " ");
        assert!(joined.contains(part), "{help}");
    }
}
