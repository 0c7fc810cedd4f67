//! `audit`: shows what operators did.

use domain::audit::AuditEntry;
use serde_json::{Value, json};

use crate::arguments::Audit;
use crate::console;
use crate::storage::Opened;

pub(crate) async fn run(arguments: Audit) -> anyhow::Result<()> {
    let storage = Opened::open(arguments.storage).await?;
    let (mut next, mut unreadable) = (None, 0);
    loop {
        let page = storage.operations().audit(next.as_ref()).await?;
        unreadable += page.unreadable;
        for entry in &page.entries {
            console::say(&if arguments.json { as_json(entry).to_string() } else { as_line(entry) });
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    if unreadable > 0 {
        console::warn(&format!("{unreadable} entries cannot be read and are left out"));
    }
    Ok(())
}

fn as_line(entry: &AuditEntry) -> String {
    let AuditEntry { at, who, action, about, outcome, .. } = entry;
    let about = if about.is_empty() { "-".to_owned() } else { about.join(" ") };
    format!("{at}  {}  {action}  {about}  {}", plain(who), outcome.as_deref().unwrap_or_default())
}

/// A name without characters that a terminal would obey.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

fn as_json(entry: &AuditEntry) -> Value {
    let AuditEntry { at, who, action, about, outcome, .. } = entry;
    json!({ "at": at.to_string(), "who": who, "action": action, "about": about, "outcome": outcome })
}
