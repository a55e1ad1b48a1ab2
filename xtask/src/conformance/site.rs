//! A site for the runner: configuration with fresh state, and the profile that describes it, with hooks that play the
//! cloud.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::dist::Tree;
use crate::project::{Project, Result, text};

/// Where the machines of the cases come from.
pub(super) enum Machines<'a> {
    /// The simulated provider.
    Simulated,
    /// The provider `aws`, on the cloud for tests.
    Aws {
        /// Where the cloud listens.
        address: &'a str,
        /// The access key id, which names an account of the cloud.
        account: &'a str,
    },
}

impl Machines<'_> {
    /// For people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Simulated => "simulated machines",
            Self::Aws { .. } => "machines of AWS on the cloud for tests",
        }
    }

    /// `config.json`.
    fn configuration(&self) -> Value {
        let provider = match self {
            // Quick, so that a run takes a minute and not an hour. Machines end at once: cases count them right after a
            // return of the case before.
            Self::Simulated => json!({
                "name": "sim", "type": "sim",
                "config": { "boot": { "seconds": [0.1, 0.4] }, "release": { "seconds": 0 } }
            }),
            Self::Aws { .. } => {
                json!({ "name": "aws", "type": "aws", "config": { "region": "us-east-1" } })
            }
        };
        json!({ "provider": { "providers": [provider] } })
    }

    /// What the plug-in needs to reach them, beside Host Factory's variables.
    fn environment(&self, home: &Path) -> Result<Value> {
        Ok(match self {
            Self::Simulated => json!({}),
            Self::Aws { address, account } => json!({
                "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "secret",
                // The credentials and profiles of the account that judges are not for this.
                "AWS_EC2_METADATA_DISABLED": "true", "HOME": text(home)?
            }),
        })
    }

    /// The commands that end the machine `$HF_MACHINE_ID` behind the plug-in's back, and count those that exist.
    fn hooks(&self, project: &Project, tree: &Tree) -> Result<[String; 2]> {
        Ok(match self {
            Self::Simulated => {
                let program = quoted(&tree.program("ohfp"))?;
                [
                    format!("{program} sim reclaim \"$HF_MACHINE_ID\" --grace 0"),
                    format!("{program} sim live | tr -cd 0-9"),
                ]
            }
            Self::Aws { .. } => {
                let hook = quoted(&project.root.join("tests/conformance/cloud.py"))?;
                ["reclaim", "live"].map(|what| format!("python3 {hook} {what}"))
            }
        })
    }
}

/// Sets up a site with fresh state for an installed tree, and gives the profile that describes it.
pub(super) fn make(project: &Project, tree: &Tree, machines: &Machines<'_>) -> Result<PathBuf> {
    let site = project.fresh_dir("conformance-site")?;
    let sh = &project.sh;
    let [config, work, log, home] = ["conf", "work", "log", "home"].map(|name| site.join(name));
    for directory in [&config, &work, &log, &home] {
        sh.create_dir(directory)?;
    }
    let templates = config.join("awsprov_templates.json");
    sh.copy_file(project.root.join("tests/conformance/awsprov_templates.json"), &templates)?;
    let configuration = serde_json::to_string_pretty(&machines.configuration())?;
    sh.write_file(config.join("config.json"), configuration + "\n")?;

    let mut environment = json!({
        "HF_PROVIDER_NAME": "confinst",
        "HF_PROVIDER_CONFDIR": text(&config)?,
        "HF_PROVIDER_WORKDIR": text(&work)?,
        "HF_PROVIDER_LOGDIR": text(&log)?,
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut environment, machines.environment(&home)?) {
        all.extend(more);
    }
    let [reclaim, live] = machines.hooks(project, tree)?;
    let (templates, away) = (quoted(&templates)?, quoted(&site.join("templates.away"))?);
    let aside = format!("test -f {away} || cp {templates} {away}");
    let profile = json!({
        "vars": variables(),
        "env": environment,
        "hooks": {
            "reclaim": reclaim,
            "live": live,
            "templates_away": format!("{aside}; rm -f {templates}"),
            "templates_break": format!("{aside}; printf '{{ this is no JSON' > {templates}"),
            "templates_back": format!("test ! -f {away} || mv {away} {templates}"),
        },
        "ready_timeout_s": 60,
        "op_timeout_s": 60,
    });
    let path = site.join("profile.json");
    sh.write_file(&path, serde_json::to_string_pretty(&profile)? + "\n")?;
    Ok(path)
}

/// A path as a word of a shell's command.
fn quoted(path: &Path) -> Result<String> {
    Ok(format!("'{}'", text(path)?.replace('\'', r"'\''")))
}

/// What the cases call the templates of `tests/conformance/awsprov_templates.json`.
fn variables() -> Value {
    json!({
        "tpl": "conf-small", "tpl_wrong_case": "CONF-SMALL", "tpl_ncores": "1",
        "tpl_tags": "company=abc;project=awscloud;team=xyz",
        "tpl_limited": "conf-limited", "tpl_limited_max": 5, "tpl_limited_max_plus_1": 6,
        "tpl_unlimited": "conf-unlimited", "tpl_disabled": "conf-disabled",
        "tpl_big": "conf-big", "tpl_big_ncpus": "4", "tpl_big_nram": "16384",
        "tpl_plain": "conf-plain", "tpl_plain_ncpus": "2", "tpl_plain_nram": "4096", "tpl_plain_rank": "3",
        "tpl_order":
            ["conf-small", "conf-limited", "conf-plain", "conf-unlimited", "conf-disabled", "conf-big"],
        "host_name_pattern": "^ip-[0-9]+-[0-9]+-[0-9]+-[0-9]+\\."
    })
}
