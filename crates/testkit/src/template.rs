//! infra/template.yaml in the form that CloudFormation gets.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Map, Value};

/// The workspace's directory.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A function of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName {
    /// The package that it is built from, by which the tests also call it.
    pub package: String,
    /// Its resource in the template.
    pub resource: String,
}

/// The functions, in the order of the template.
///
/// # Panics
/// When the template cannot be read, which ends the test.
#[must_use]
pub fn functions() -> Vec<FunctionName> {
    let template = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    let (mut functions, mut resource) = (Vec::new(), "");
    for line in template.lines() {
        let name = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'));
        resource = name.filter(|name| !name.starts_with(' ')).unwrap_or(resource);
        if let Some(package) = line.trim().strip_prefix("CodeUri: ../crates/functions/") {
            functions.push(FunctionName { package: package.to_owned(), resource: resource.to_owned() });
        }
    }
    functions
}

/// A program in the emulator's Python environment.
#[must_use]
pub fn tool(name: &str) -> Command {
    Command::new(root().join("target/aws-local/venv/bin").join(name))
}

/// The template after SAM's transform, as JSON.
///
/// # Panics
/// When it cannot be transformed, which ends the test.
#[must_use]
pub fn translated() -> Vec<u8> {
    let translated = tool("python").arg(root().join("infra/translate.py")).output().unwrap();
    assert!(translated.status.success(), "{}", String::from_utf8_lossy(&translated.stderr));
    translated.stdout
}

/// Its resources by their names.
///
/// # Panics
/// When it cannot be transformed, which ends the test.
pub fn resources() -> &'static Map<String, Value> {
    static RESOURCES: OnceLock<Map<String, Value>> = OnceLock::new();
    RESOURCES.get_or_init(|| {
        let template: Value = serde_json::from_slice(&translated()).unwrap();
        template["Resources"].as_object().unwrap().clone()
    })
}

/// The properties of all resources of a type.
#[must_use]
pub fn of_type(kind: &str) -> Vec<(&'static str, &'static Value)> {
    let of_kind = resources().iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name.as_str(), &resource["Properties"])).collect()
}

/// The name of the resource that `{"Fn::GetAtt": [name, …]}` or `{"Ref": name}` points to.
#[must_use]
pub fn points_to(reference: &Value) -> &str {
    let name = reference.get("Ref").or_else(|| reference.get("Fn::GetAtt").and_then(|path| path.get(0)));
    name.and_then(Value::as_str).unwrap_or_default()
}

/// The shortest name of a resource.
fn said(resource: &Value) -> String {
    if let Some(text) = resource.get("Fn::Sub").and_then(Value::as_str) {
        let short =
            text.replace("arn:${AWS::Partition}:", "").replace("${AWS::Region}:${AWS::AccountId}:", "");
        return short.replace("parameter/quikly-braze/${Environment}/", "").replace("${AWS::AccountId}:", "");
    }
    resource.as_str().unwrap_or_else(|| points_to(resource)).to_owned()
}

fn each(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

/// The permissions of a function in the form `action resource`, sorted.
///
/// # Panics
/// When its role has another form than the other roles, which ends the test.
#[must_use]
pub fn allowed(function: &str) -> Vec<String> {
    let role = points_to(&resources()[function]["Properties"]["Role"]);
    let role = &resources()[role]["Properties"];
    assert!(role.get("ManagedPolicyArns").is_none(), "AWS's own policies allow more than is needed");
    let mut allowed = Vec::new();
    for policy in role["Policies"].as_array().unwrap() {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow");
            for action in each(&statement["Action"]) {
                for resource in each(&statement["Resource"]) {
                    allowed.push(format!("{} {}", action.as_str().unwrap(), said(resource)));
                }
            }
        }
    }
    allowed.sort();
    allowed
}
