//! Reads `spin.toml`, manifest version 2. What it does not know is an error that names the place.

mod section;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

use section::Section;

/// What a `spin.toml` says.
#[derive(Debug)]
pub struct Manifest {
    /// The file itself, as errors name it.
    pub file: PathBuf,
    /// The folder that its relative paths start from.
    pub folder: PathBuf,
    pub variables: BTreeMap<String, VariableDeclaration>,
    pub routes: Vec<HttpTrigger>,
    pub schedules: Vec<CronTrigger>,
    pub components: BTreeMap<String, ComponentDeclaration>,
}

/// `[variables] name = { … }`.
#[derive(Debug)]
pub struct VariableDeclaration {
    /// No value means that one must be given from outside.
    pub default: Option<String>,
    pub secret: bool,
}

/// `[[trigger.http]]`.
#[derive(Debug)]
pub struct HttpTrigger {
    /// `None` for `{ private = true }`: the component has no route.
    pub route: Option<String>,
    pub target: HttpTarget,
}

/// Who answers on a route.
#[derive(Clone, Debug)]
pub enum HttpTarget {
    Component(String),
    Static(StaticResponse),
}

/// `static_response = { … }`: an answer that needs no component.
#[derive(Clone, Debug)]
pub struct StaticResponse {
    pub status: http::StatusCode,
    pub headers: http::HeaderMap,
    pub body: String,
}

/// `[[trigger.cron]]`.
#[derive(Debug)]
pub struct CronTrigger {
    pub component: String,
    /// Six fields, seconds first, in UTC.
    pub expression: String,
}

/// `[component.<id>]`.
#[derive(Debug)]
pub struct ComponentDeclaration {
    /// Absolute, or relative to where the process runs.
    pub source: PathBuf,
    /// Whether its requests mostly wait, as long polls and streams do.
    pub waits: bool,
    pub sqlite_databases: Vec<String>,
    pub allowed_outbound_hosts: Vec<String>,
    pub files: Vec<FilesDeclaration>,
    pub exclude_files: Vec<String>,
    pub variables: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
}

/// An entry of `files`.
#[derive(Clone, Debug)]
pub enum FilesDeclaration {
    /// A glob pattern below the manifest's folder.
    Pattern(String),
    /// A folder or file of the machine, and where the component sees it.
    Placement { source: PathBuf, destination: String },
}

/// The only manifest version there is, in Spin 2 and later.
const MANIFEST_VERSION: i64 = 2;

/// The name of a component's table of settings for this host, among those of tools.
const HOST_TOOL: &str = "mycelium-host";

impl Manifest {
    /// Reads and checks a manifest file.
    pub fn read(file: &Path) -> Result<Manifest> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the manifest {}", file.display()))?;
        Manifest::parse(file, &text)
    }

    /// Parses a manifest's text; `file` says where it would be.
    pub fn parse(file: &Path, text: &str) -> Result<Manifest> {
        let name =
            file.file_name().map_or_else(|| "spin.toml".into(), |name| name.to_string_lossy());
        let table: Table = text.parse().with_context(|| format!("{name} is not valid TOML"))?;
        let folder = match file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
            Some(folder) => folder.to_owned(),
            None => PathBuf::from("."),
        };

        let mut root = Section::new(name.to_string(), table);
        match root.number("spin_manifest_version")? {
            Some(MANIFEST_VERSION) => {}
            Some(other) => bail!("{name}: spin_manifest_version is {other}, and must be 2"),
            None => bail!("{name}: the key `spin_manifest_version` is missing"),
        }
        let application = root.table("application")?.unwrap_or_default();
        check_application(Section::new(format!("{name}: [application]"), application))?;
        let variables = root
            .sections("variables", |key| format!("{name}: [variables] {key}"))?
            .into_iter()
            .map(|(key, section)| Ok((key.clone(), variable(&key, section)?)))
            .collect::<Result<_>>()?;
        let components = root
            .sections("component", |key| format!("{name}: [component.{key}]"))?
            .into_iter()
            .map(|(key, section)| Ok((key.clone(), component(&key, section, &folder)?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        let triggers = root.table("trigger")?.unwrap_or_default();
        root.finish()?;
        let (routes, schedules) = read_triggers(&name, triggers, &components)?;
        Ok(Manifest { file: file.to_owned(), folder, variables, routes, schedules, components })
    }
}

fn check_application(mut section: Section) -> Result<()> {
    section.required_text("name")?;
    section.text("version")?;
    section.text("description")?;
    section.texts("authors")?;
    // Settings of other tools: Spin ignores this table, and so do we.
    section.table("tool")?;
    section.finish()
}

fn variable(name: &str, mut section: Section) -> Result<VariableDeclaration> {
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    ensure!(is_name, section.error("a variable's name is lower_snake_case"));
    section.text("description")?;
    let default = section.text("default")?;
    let required = section.flag("required")?;
    let secret = section.flag("secret")?;
    ensure!(
        default.is_some() != required,
        section.error("a variable has either a `default` or `required = true`")
    );
    section.finish()?;
    Ok(VariableDeclaration { default, secret })
}

fn component(name: &str, mut section: Section, folder: &Path) -> Result<ComponentDeclaration> {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    ensure!(is_name, section.error("a component's name is kebab-case"));
    section.text("description")?;
    let source = match section.value("source") {
        Some(Value::String(path)) => folder.join(path),
        Some(_) => {
            bail!(section.error("`source` must be the path of a file; others are not offered"))
        }
        None => bail!(section.error("the key `source` is missing")),
    };
    let files = section
        .list("files")?
        .into_iter()
        .map(|value| files_declaration(&section, value, folder))
        .collect::<Result<_>>()?;
    for key in ["ai_models", "key_value_stores"] {
        ensure!(
            section.texts(key)?.is_empty(),
            section.error(format!("`{key}` is not offered by this host"))
        );
    }
    let sqlite_databases = section.texts("sqlite_databases")?;
    for label in &sqlite_databases {
        let is_label = label.starts_with(|first: char| first.is_ascii_alphabetic())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        ensure!(is_label, section.error(format!("`{label}` cannot be a database's label")));
    }
    let mut declaration = ComponentDeclaration {
        waits: false,
        source,
        sqlite_databases,
        allowed_outbound_hosts: section.texts("allowed_outbound_hosts")?,
        files,
        exclude_files: section.texts("exclude_files")?,
        variables: section.text_map("variables")?,
        environment: section.text_map("environment")?,
    };
    // Settings of other tools: Spin ignores this table, and we read our own.
    let tools = section.table("tool")?.unwrap_or_default();
    if let Some(own) = tools.get(HOST_TOOL).cloned() {
        let Value::Table(own) = own else {
            bail!(section.error(format!("`tool.{HOST_TOOL}` must be a table")))
        };
        let mut own = section.child(HOST_TOOL, own);
        declaration.waits = own.flag("waits")?;
        own.finish()?;
    }
    if let Some(build) = section.table("build")? {
        check_build(section.child("build", build))?;
    }
    section.finish()?;
    Ok(declaration)
}

/// `build` is for `spin build` and for xtask; a misspelled key in it should not wait for them.
fn check_build(mut section: Section) -> Result<()> {
    match section.value("command") {
        Some(Value::String(_) | Value::Array(_)) => {}
        Some(_) => bail!(section.error("`command` must be a string or a list of strings")),
        None => bail!(section.error("the key `command` is missing")),
    }
    section.text("workdir")?;
    section.texts("watch")?;
    section.finish()
}

fn files_declaration(section: &Section, value: Value, folder: &Path) -> Result<FilesDeclaration> {
    match value {
        Value::String(pattern) => Ok(FilesDeclaration::Pattern(pattern)),
        Value::Table(table) => {
            let mut placement = section.child("files", table);
            let source = folder.join(placement.required_text("source")?);
            let destination = placement.required_text("destination")?;
            ensure!(
                destination.starts_with('/'),
                placement.error(format!("the destination `{destination}` must start with `/`"))
            );
            placement.finish()?;
            Ok(FilesDeclaration::Placement { source, destination })
        }
        _ => bail!(section.error("an entry of `files` is a pattern or { source, destination }")),
    }
}

fn read_triggers(
    name: &str,
    triggers: Table,
    components: &BTreeMap<String, ComponentDeclaration>,
) -> Result<(Vec<HttpTrigger>, Vec<CronTrigger>)> {
    let mut routes = Vec::new();
    let mut schedules = Vec::new();
    for (kind, value) in triggers {
        let Value::Array(entries) = value else {
            bail!("{name}: write triggers as [[trigger.{kind}]], with two brackets");
        };
        for (index, entry) in entries.into_iter().enumerate() {
            let place = format!("{name}: [[trigger.{kind}]] number {}", index + 1);
            let Value::Table(table) = entry else { bail!("{place} must be a table") };
            let section = Section::new(place.clone(), table);
            let component = match kind.as_str() {
                "http" => {
                    let trigger = http_trigger(section)?;
                    let component = match &trigger.target {
                        HttpTarget::Component(component) => Some(component.clone()),
                        HttpTarget::Static(_) => None,
                    };
                    routes.push(trigger);
                    component
                }
                "cron" => {
                    let trigger = cron_trigger(section)?;
                    let component = trigger.component.clone();
                    schedules.push(trigger);
                    Some(component)
                }
                _ => bail!("{place}: this trigger is not offered; `http` and `cron` are"),
            };
            if let Some(component) = component.filter(|name| !components.contains_key(name)) {
                bail!("{place}: there is no [component.{component}]");
            }
        }
    }
    Ok((routes, schedules))
}

fn http_trigger(mut section: Section) -> Result<HttpTrigger> {
    section.text("id")?;
    let route = match section.value("route") {
        Some(Value::String(route)) => Some(route),
        Some(Value::Table(table)) => {
            ensure!(
                table.len() == 1 && table.get("private") == Some(&Value::Boolean(true)),
                section.error("`route` must be a path or { private = true }")
            );
            None
        }
        Some(_) => bail!(section.error("`route` must be a path or { private = true }")),
        None => bail!(section.error("the key `route` is missing")),
    };
    let component = section.text("component")?;
    let fixed = section.table("static_response")?;
    let target = match (component, fixed) {
        (Some(component), None) => HttpTarget::Component(component),
        (None, Some(table)) => {
            HttpTarget::Static(static_response(section.child("static_response", table))?)
        }
        (Some(_), Some(_)) | (None, None) => {
            bail!(section.error("name either a `component` or a `static_response`"))
        }
    };
    section.finish()?;
    Ok(HttpTrigger { route, target })
}

fn static_response(mut section: Section) -> Result<StaticResponse> {
    let status = match section.number("status_code")? {
        None => http::StatusCode::OK,
        Some(code) => u16::try_from(code)
            .ok()
            .and_then(|code| http::StatusCode::from_u16(code).ok())
            .ok_or_else(|| section.error(format!("`status_code` cannot be {code}")))?,
    };
    let mut headers = http::HeaderMap::new();
    for (name, value) in section.text_map("headers")? {
        let name: http::HeaderName = name
            .parse()
            .map_err(|_| section.error(format!("`{name}` cannot be a header's name")))?;
        let value = value
            .parse()
            .map_err(|_| section.error(format!("the header `{name}` cannot have this value")))?;
        headers.append(name, value);
    }
    let body = section.text("body")?.unwrap_or_default();
    section.finish()?;
    Ok(StaticResponse { status, headers, body })
}

fn cron_trigger(mut section: Section) -> Result<CronTrigger> {
    section.text("id")?;
    let component = section.required_text("component")?;
    let expression = section.required_text("cron_expression")?;
    section.finish()?;
    Ok(CronTrigger { component, expression })
}

#[cfg(test)]
mod tests;
