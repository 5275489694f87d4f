//! What a slice starts with: cloud-init documents, each with a version, or the renter's own.

use alloc::string::String;

use crate::field::FieldError;
use crate::port::{Port, Transport};

/// The most bytes of a renter's own user data: 16 KiB.
pub const USER_DATA_BYTES_MAX: usize = 16 * 1024;

/// A cloud-init document of ours. One that has changed has another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// The stable name, for programs and for SQL.
    pub name: &'static str,
    /// Counts its changes, from 1.
    pub version: u32,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What there is then, in a sentence.
    pub about: &'static str,
    /// The document.
    pub user_data: &'static str,
    /// What is to be reachable.
    pub ports: &'static [Port],
    /// A command that succeeds in the machine once all that works; `None` where there is nothing
    /// to look at.
    pub check: Option<&'static str>,
}

/// Every template, the plainest first.
pub const TEMPLATES: [Template; 5] = [
    Template {
        name: "plain",
        version: 1,
        title: "Plain Linux",
        about: "The farm's Debian or Ubuntu image, with security updates.",
        user_data: include_str!("../../../templates/plain.yaml"),
        ports: &[],
        check: None,
    },
    Template {
        name: "docker",
        version: 1,
        title: "Docker",
        about: "Containers with the distribution's Docker.",
        user_data: include_str!("../../../templates/docker.yaml"),
        ports: &[],
        check: Some("docker info"),
    },
    Template {
        name: "k3s",
        version: 1,
        title: "Kubernetes (k3s)",
        about: "A single-node Kubernetes cluster.",
        user_data: include_str!("../../../templates/k3s.yaml"),
        ports: &[],
        check: Some("kubectl wait --for=condition=Ready node --all --timeout=2s"),
    },
    Template {
        name: "postgresql",
        version: 1,
        title: "PostgreSQL",
        about: "A database on localhost, sized for the slice.",
        user_data: include_str!("../../../templates/postgresql.yaml"),
        ports: &[],
        check: Some("pg_isready --quiet"),
    },
    Template {
        name: "web",
        version: 1,
        title: "Web server",
        about: "nginx on port 80.",
        user_data: include_str!("../../../templates/web.yaml"),
        ports: &[Port { transport: Transport::Tcp, number: 80 }],
        check: Some(concat!(
            "python3 -c \"import urllib.request; ",
            "urllib.request.urlopen('http://localhost/', timeout=2)\""
        )),
    },
];

impl Template {
    /// Finds a template by its name.
    pub fn parse(field: &'static str, text: &str) -> Result<Template, FieldError> {
        let found = TEMPLATES.into_iter().find(|template| template.name == text);
        let rule = "plain, docker, k3s, postgresql or web";
        found.ok_or_else(|| FieldError::new(field, rule))
    }

    /// Finds a template as it was when it was chosen; `None` where another version is all that
    /// is left.
    pub fn find(name: &str, version: u32) -> Option<Template> {
        TEMPLATES.into_iter().find(|template| template.name == name && template.version == version)
    }
}

/// Reads a renter's own user data: what cloud-init can tell to be for it, and no more than fits.
/// Marks that editors of Windows leave are dropped, for cloud-init and shells stumble over them.
pub fn parse_user_data(field: &'static str, text: &str) -> Result<String, FieldError> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let is_readable = text.starts_with("#cloud-config\n") || text.starts_with("#!/");
    let has_controls = text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    if is_readable && !has_controls && text.len() <= USER_DATA_BYTES_MAX {
        return Ok(text);
    }
    let rule = "at most 16 KiB of text that starts with #cloud-config or #!/";
    Err(FieldError::new(field, rule))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use saphyr::{LoadableYamlNode, Yaml};

    use super::*;

    /// The modules of cloud-init 22 and later that our documents use; all are in its schema.
    const KEYS: [&str; 7] = [
        "disable_root",
        "package_update",
        "package_upgrade",
        "packages",
        "runcmd",
        "ssh_pwauth",
        "write_files",
    ];
    /// What a secret or a way past the key would look like.
    const SECRETS: [&str; 7] = [
        "passwd",
        "password:",
        "BEGIN ",
        "api_token",
        "chpasswd",
        "ssh_authorized_keys",
        "plain_text",
    ];

    #[track_caller]
    fn check(name: &str) {
        let template = Template::parse("template", name).unwrap();
        let text = template.user_data;
        assert_eq!(parse_user_data("user_data", text).as_deref(), Ok(text));
        assert!(text.contains(&format!("# {name}, version {}:", template.version)), "{name}");
        for secret in SECRETS {
            assert!(!text.contains(secret), "{name} has {secret}");
        }
        let documents = Yaml::load_from_str(text).unwrap();
        let [document] = &documents[..] else { panic!("{name} is one document") };
        let map = document.as_mapping().expect("a document of cloud-init is a mapping");
        let get = |key: &str| document.as_mapping_get(key);
        let keys: Vec<&str> = map.keys().map(|key| key.as_str().unwrap()).collect();
        assert!(keys.iter().all(|key| KEYS.contains(key)), "{name}: {keys:?}");
        // Nobody gets in with a password, and the key lets in as root.
        assert_eq!(get("ssh_pwauth").and_then(Yaml::as_bool), Some(false), "{name}");
        assert_eq!(get("disable_root").and_then(Yaml::as_bool), Some(false), "{name}");
        let packages = get("packages").and_then(|list| list.as_vec()).unwrap();
        assert!(packages.iter().all(|package| package.as_str().is_some()), "{name}");
        for file in get("write_files").and_then(|list| list.as_vec()).into_iter().flatten() {
            let text = |key| file.as_mapping_get(key).and_then(Yaml::as_str);
            assert!(text("path").is_some_and(|path| path.starts_with('/')), "{name}");
            // Unquoted, YAML would read the mode as a decimal number.
            assert!(text("permissions").is_some_and(|mode| mode.len() == 4), "{name}");
            assert!(text("content").is_some(), "{name}");
        }
        for command in get("runcmd").and_then(|list| list.as_vec()).into_iter().flatten() {
            let words = command.as_vec().expect("a list is run without a shell");
            assert!(words.iter().all(|word| word.as_str().is_some()), "{name}: {words:?}");
        }
    }

    #[test]
    fn checks_are_lines_that_a_shell_reads() {
        for Template { name, check, .. } in TEMPLATES {
            assert_eq!(check.is_none(), name == "plain");
            let is_line = |text: &str| text.len() <= 500 && !text.contains(char::is_control);
            assert!(check.is_none_or(is_line), "{name}");
        }
    }

    #[test]
    fn plain_is_sound() {
        check("plain");
    }

    #[test]
    fn docker_is_sound() {
        check("docker");
    }

    #[test]
    fn k3s_is_sound() {
        check("k3s");
    }

    #[test]
    fn postgresql_is_sound() {
        check("postgresql");
    }

    #[test]
    fn web_is_sound() {
        check("web");
    }

    #[test]
    fn names_are_unique_and_versions_are_found() {
        for (index, template) in TEMPLATES.iter().enumerate() {
            assert_eq!(Template::find(template.name, template.version), Some(*template));
            assert_eq!(Template::find(template.name, template.version + 1), None);
            assert!(TEMPLATES[..index].iter().all(|other| other.name != template.name));
        }
        assert!(Template::parse("template", "windows").is_err());
    }

    #[test]
    fn own_user_data_is_for_cloud_init_and_small() {
        let check = |text: &str, is_good: bool| {
            assert_eq!(parse_user_data("user_data", text).is_ok(), is_good, "{text:.40}");
        };
        check("#cloud-config\npackages: [git]\n", true);
        check("#!/bin/sh\necho hello\n", true);
        check("packages: [git]\n", false);
        check("#cloud-configuration\n", false);
        check("#cloud-config\rpackages: [git]\r", false);
        check("#cloud-config\n\0", false);
        check("", false);
        check(&format!("#!/bin/sh\n{}", "#".repeat(USER_DATA_BYTES_MAX - 10)), true);
        check(&format!("#!/bin/sh\n{}", "#".repeat(USER_DATA_BYTES_MAX - 9)), false);
        let windows = "\u{feff}#cloud-config\r\npackages: [git]\r\n";
        let read = parse_user_data("user_data", windows);
        assert_eq!(read.as_deref(), Ok("#cloud-config\npackages: [git]\n"));
    }
}
