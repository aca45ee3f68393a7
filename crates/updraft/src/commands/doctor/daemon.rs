//! The daemon: whether one answers, and whether its scheduler leads.

use std::net::TcpListener;

use jiff::SignedDuration;
use serde_json::Value;
use updraft_model::Timestamp;

use super::Check;
use crate::{client::Client, commands::Context};

/// A leader renews its lease each second, and it lasts three.
const OLD: SignedDuration = SignedDuration::from_secs(3);
/// Clocks of two machines may differ so much without harm.
const CLOCKS: SignedDuration = SignedDuration::from_secs(2);

/// What there is, and whether a daemon answers.
pub async fn checks(cx: &Context) -> (Vec<Check>, bool) {
    match cx.running_daemon().await {
        Ok(Some(client)) => (answering(cx, &client).await, true),
        Ok(None) => (vec![nobody(cx)], false),
        Err(error) => (vec![Check::error("daemon", error.to_string(), "see above")], false),
    }
}

fn nobody(cx: &Context) -> Check {
    let (host, port) = (cx.config.host.as_str(), cx.config.port);
    match TcpListener::bind((host, port)) {
        Ok(_) => Check::ok("daemon", format!("none runs; port {port} is free for one")),
        Err(error) => {
            let hint = "another program has that port: end it, or choose another --port";
            Check::error("daemon", format!("none answers, and {host}:{port} can't be listened on: {error}"), hint)
        }
    }
}

async fn answering(cx: &Context, client: &Client) -> Vec<Check> {
    let version = client.get(&["version"], &[]).await;
    let version = version.ok().and_then(|answer| answer["version"].as_str().map(str::to_owned)).unwrap_or_default();
    let own = env!("CARGO_PKG_VERSION");
    let found = format!("answers at {}, version {version}", cx.daemon_url());
    let daemon = if version == own {
        Check::ok("daemon", found)
    } else {
        Check::warning("daemon", format!("{found}; this program is {own}"), "use the same release for both")
    };
    let mut checks = vec![daemon];
    match client.get(&["monitor", "health"], &[]).await {
        Ok(health) => {
            let now = jiff::Timestamp::now().into();
            checks.extend(health_checks(&health, now));
        }
        Err(error) => checks.push(Check::error("scheduler", error.to_string(), "look at the daemon's log")),
    }
    // Needs a login, unlike the rest.
    checks.push(match client.get(&["importErrors"], &[("limit", "1".to_owned())]).await {
        Ok(errors) => match errors["total_entries"].as_u64().unwrap_or(0) {
            0 => Check::ok("login", "works"),
            count => Check::warning("login", format!("works; {count} DAG files have errors there"), "`updraft dags list` names them"),
        },
        Err(error) => Check::warning("login", error.to_string(), "commands that need a login fail until then"),
    });
    checks
}

fn health_checks(health: &Value, now: Timestamp) -> Vec<Check> {
    let database = match health["metadatabase"]["status"].as_str() {
        Some("healthy") => Check::ok("database", "answers the daemon"),
        _ => Check::error("database", "does not answer the daemon", "look at the daemon's log, and whether the database runs"),
    };
    let heartbeat = health["scheduler"]["latest_scheduler_heartbeat"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let age = heartbeat.map(|at| now.since(at));
    let shown = age.map_or_else(|| "never".to_owned(), |age| format!("{:.1} s ago", age.as_secs_f64()));
    let leads = health["scheduler"]["status"].as_str() == Some("healthy");
    let scheduler = if leads {
        Check::ok("scheduler", format!("one leads; it renewed its lease {shown}"))
    } else {
        Check::error(
            "scheduler",
            format!("none leads; the lease was last renewed {shown}"),
            "start one: `updraft standalone` or `updraft scheduler`",
        )
    };
    let mut checks = vec![database, scheduler];
    // The heartbeat is on the database's clock: of a live leader it can neither be old nor to come.
    if let Some(age) = age.filter(|_| leads) {
        let off = if age.is_negative() { -age } else { (age - OLD).max(SignedDuration::ZERO) };
        checks.push(if off <= CLOCKS {
            Check::ok("clock", "agrees with the database's")
        } else {
            let found = format!("differs from the database's by about {:.0} s", off.as_secs_f64());
            Check::warning("clock", found, "synchronise both machines (chrony, systemd-timesyncd)")
        });
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn health_becomes_checks() {
        let text = |status: &str, heartbeat: Option<&str>| {
            let health = json!({
                "metadatabase": {"status": "healthy"},
                "scheduler": {"status": status, "latest_scheduler_heartbeat": heartbeat},
            });
            let checks = health_checks(&health, "2026-01-01T00:01:00Z".parse().unwrap());
            checks.iter().map(|check| format!("{:?} {}: {}", check.level, check.name, check.found)).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(text("healthy", Some("2026-01-01T00:00:59+00:00")), @"
        Ok database: answers the daemon
        Ok scheduler: one leads; it renewed its lease 1.0 s ago
        Ok clock: agrees with the database's
        ");
        insta::assert_snapshot!(text("healthy", Some("2026-01-01T00:01:30+00:00")), @"
        Ok database: answers the daemon
        Ok scheduler: one leads; it renewed its lease -30.0 s ago
        Warning clock: differs from the database's by about 30 s
        ");
        insta::assert_snapshot!(text("unhealthy", Some("2026-01-01T00:00:00+00:00")), @"
        Ok database: answers the daemon
        Error scheduler: none leads; the lease was last renewed 60.0 s ago
        ");
        insta::assert_snapshot!(text("unhealthy", None), @"
        Ok database: answers the daemon
        Error scheduler: none leads; the lease was last renewed never
        ");
    }
}
