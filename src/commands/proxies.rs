//! Proxies of the environment: stages are called without them, which is said where it would matter.

use std::net::IpAddr;

use crate::plan::Project;

/// The variables by which programs are told of a proxy.
const VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Returns what to say of the proxies that `variable` holds: that they are not used, where a stage
/// is not on this machine.
pub(super) fn unused(
    project: &Project,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let is_set = |name: &&str| variable(name).is_some_and(|value| !value.trim().is_empty());
    let set: Vec<String> = VARIABLES
        .iter()
        .filter(|name| is_set(name))
        .map(|name| format!("`{name}`"))
        .collect();
    let addresses = project.environment.values.values();
    let addresses = addresses.filter_map(|value| value.as_str().map(str::to_owned));
    let stages = project.manifest.stages.iter();
    let mut addresses = addresses.chain(stages.filter_map(|stage| stage.kind.text("url")));
    if set.is_empty() || !addresses.any(|address| is_elsewhere(&address)) {
        return None;
    }
    let verb = if set.len() == 1 { "is" } else { "are" };
    Some(format!(
        "{} {verb} set and not used: stages are called directly, so that what is measured is theirs",
        set.join(", ")
    ))
}

/// Returns whether a text is an address on another machine.
fn is_elsewhere(address: &str) -> bool {
    let Ok(url) = url::Url::parse(address) else {
        return false;
    };
    let Some(host) = url.host_str().filter(|_| url.scheme().starts_with("http")) else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    !is_here && host != "localhost"
}

#[cfg(test)]
mod tests {
    use super::is_elsewhere;

    #[test]
    fn only_what_is_on_another_machine_could_need_a_proxy() {
        for here in [
            "http://127.0.0.1:8080/x",
            "http://[::1]/",
            "http://localhost:1/",
            "eu-west-1",
            "{{ env.api }}/chat",
        ] {
            assert!(!is_elsewhere(here), "{here}");
        }
        for there in ["https://llm.example/v1", "http://10.0.0.7:8000"] {
            assert!(is_elsewhere(there), "{there}");
        }
    }
}
