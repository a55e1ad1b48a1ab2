//! The questions of `init` on a terminal. All are asked before anything is written.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::{Init, InitProvider};
use ohfp_service::invocation::Environment;

use super::answers::{
    self, Answers, AwsStart, Start, check_id, check_region, check_role, default_directory, default_region,
    default_scripts,
};
use super::detect;

/// Asks what the options do not say. An empty answer is the default in brackets.
///
/// # Errors
/// [`ErrorKind::Refused`] where the person leaves by the end of the input, or does not want the files.
pub(super) fn ask(
    arguments: &Init,
    env: &Environment,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<Answers> {
    let mut terminal = Terminal { input, output };
    terminal.say("This sets up ohfp. Enter takes the answer in brackets; Ctrl-C leaves without a change.")?;
    let directory = default_directory(env)?;
    let directory = terminal.path("Configuration directory", &directory, env)?;
    let start = match import(&mut terminal, env, &directory)? {
        Some(start) => start,
        None => provider(&mut terminal, arguments, env)?,
    };
    let scripts =
        terminal.path("Directory of the Host Factory scripts", &default_scripts(env, &directory), env)?;
    if terminal.yes(&format!("Write the configuration into `{}`?", directory.display()), true)? {
        Ok(Answers { directory, start, scripts })
    } else {
        Err(Error::new(ErrorKind::Refused, "not confirmed; nothing was written"))
    }
}

/// Offers each configuration of another broker, where the directory has none yet.
fn import(terminal: &mut Terminal<'_>, env: &Environment, directory: &Path) -> Result<Option<Start>> {
    let is_new = std::fs::read_dir(directory).map_or(true, |mut entries| entries.next().is_none());
    for found in detect::installations(env, directory).into_iter().filter(|_| is_new) {
        let state = if found.state.is_some() { ", with its requests and machines" } else { "" };
        let question = format!(
            "There is a configuration of {} in `{}`. Import it{state}?",
            found.source.title(),
            found.directory.display()
        );
        if terminal.yes(&question, true)? {
            return Ok(Some(Start::Import(found)));
        }
    }
    Ok(None)
}

fn provider(terminal: &mut Terminal<'_>, arguments: &Init, env: &Environment) -> Result<Start> {
    let given = answers::start(arguments, env)?;
    let kind = match (arguments.provider, &given) {
        (Some(kind), _) => kind,
        (None, Start::Aws(_)) => InitProvider::Aws,
        (None, _) => {
            let is_kind = |text: &str| match text {
                "sim" | "aws" => Ok(()),
                _ => Err("must be sim or aws".to_owned()),
            };
            let question = "Provider of machines: sim (simulated, without a cloud) or aws";
            if terminal.text(question, "sim", is_kind)? == "aws" {
                InitProvider::Aws
            } else {
                InitProvider::Sim
            }
        }
    };
    if kind == InitProvider::Sim {
        return Ok(Start::Sim);
    }
    let mut aws = match given {
        Start::Aws(aws) => aws,
        _ => AwsStart { region: default_region(env), ..AwsStart::default() },
    };
    if arguments.region.is_none() {
        aws.region = terminal.text("AWS region", &aws.region, check_region)?;
    }
    if aws.profile.is_none() {
        let set = env.get("AWS_PROFILE").and_then(|value| value.to_str()).unwrap_or_default();
        let profile =
            terminal.text("Profile of the credentials (none: environment, then role)", set, |_| Ok(()))?;
        aws.profile = Some(profile).filter(|profile| !profile.is_empty());
    }
    if aws.subnets.is_empty() {
        aws.subnets = terminal.list("Subnets, separated by commas", "subnet-")?;
    }
    if aws.groups.is_empty() {
        aws.groups = terminal.list("Security groups, separated by commas", "sg-")?;
    }
    if aws.fleet_role.is_none() {
        let is_role = |text: &str| if text.is_empty() { Ok(()) } else { check_role(text) };
        let role = terminal.text("Role of spot fleets (none: EC2 fleets, which need none)", "", is_role)?;
        aws.fleet_role = Some(role).filter(|role| !role.is_empty());
    }
    Ok(Start::Aws(aws))
}

struct Terminal<'t> {
    input: &'t mut dyn BufRead,
    output: &'t mut dyn Write,
}

impl Terminal<'_> {
    fn say(&mut self, text: &str) -> Result<()> {
        writeln!(self.output, "{text}").map_err(|error| broken(&error))
    }

    /// One line, without what surrounds it.
    fn line(&mut self, question: &str, default: &str) -> Result<String> {
        let shown = if default.is_empty() { "none" } else { default };
        write!(self.output, "{question} [{shown}]: ")
            .and_then(|()| self.output.flush())
            .map_err(|error| broken(&error))?;
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            Ok(0) => {
                let _ = writeln!(self.output);
                Err(Error::new(ErrorKind::Refused, "left before the end; nothing was written"))
            }
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(broken(&error)),
        }
    }

    /// Asks until the answer is right.
    fn text(
        &mut self,
        question: &str,
        default: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String> {
        loop {
            let line = self.line(question, default)?;
            let answer = if line.is_empty() { default.to_owned() } else { line };
            match check(&answer) {
                Ok(()) => return Ok(answer),
                Err(why) => self.say(&format!("The answer {why}."))?,
            }
        }
    }

    fn list(&mut self, question: &str, prefix: &str) -> Result<Vec<String>> {
        let split = |text: &str| -> Vec<String> {
            text.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect()
        };
        let check = |text: &str| split(text).iter().try_for_each(|id| check_id(prefix, id));
        self.text(question, "", check).map(|text| split(&text))
    }

    fn path(&mut self, question: &str, default: &Path, env: &Environment) -> Result<PathBuf> {
        let answer = self.text(question, &default.display().to_string(), |_| Ok(()))?;
        let home = env.get("HOME").map(PathBuf::from);
        let path = match (answer.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(&answer),
        };
        Ok(std::path::absolute(&path).unwrap_or(path))
    }

    fn yes(&mut self, question: &str, default: bool) -> Result<bool> {
        let shown = if default { "yes" } else { "no" };
        let check = |text: &str| match text.to_ascii_lowercase().as_str() {
            "y" | "yes" | "n" | "no" => Ok(()),
            _ => Err("must be yes or no".to_owned()),
        };
        Ok(self.text(question, shown, check)?.to_ascii_lowercase().starts_with('y'))
    }
}

fn broken(error: &io::Error) -> Error {
    Error::new(ErrorKind::System, "cannot ask on the terminal").cause(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines that a person types, and what comes of them.
    fn asked(arguments: &Init, lines: &str) -> (Result<Answers, ErrorKind>, String) {
        let env = Environment::from_iter([("HOME", "/nonexistent/home")]);
        let mut output = Vec::new();
        let answers = ask(arguments, &env, &mut lines.as_bytes(), &mut output);
        (answers.map_err(|error| error.kind()), String::from_utf8(output).unwrap())
    }

    #[test]
    fn enter_takes_what_stands_in_brackets() {
        let (answers, shown) = asked(&Init::default(), "\n\n\n\n");
        let directory = PathBuf::from("/nonexistent/home/.config/ohfp");
        let expected = Answers { start: Start::Sim, scripts: directory.join("scripts"), directory };
        assert_eq!(answers, Ok(expected), "{shown}");
        assert!(shown.contains("[/nonexistent/home/.config/ohfp]: ") && shown.contains("[sim]: "), "{shown}");
    }

    #[test]
    fn wrong_answers_are_asked_again() {
        let lines = "~/c\ncloud\naws\nnowhere\neu-west-1\n\nsubnet-x\nsubnet-01234567, subnet-89abcdef\n\nrole\n\n~/s\nmaybe\ny\n";
        let (answers, shown) = asked(&Init::default(), lines);
        let aws = AwsStart {
            region: "eu-west-1".to_owned(),
            subnets: vec!["subnet-01234567".to_owned(), "subnet-89abcdef".to_owned()],
            ..AwsStart::default()
        };
        let expected = Answers {
            directory: PathBuf::from("/nonexistent/home/c"),
            start: Start::Aws(aws),
            scripts: PathBuf::from("/nonexistent/home/s"),
        };
        assert_eq!(answers, Ok(expected), "{shown}");
        assert_eq!(shown.matches("The answer must").count(), 5, "{shown}");
    }

    #[test]
    fn options_are_not_asked_for() {
        let arguments = Init {
            provider: Some(InitProvider::Aws),
            region: Some("eu-west-1".to_owned()),
            profile: Some("p".to_owned()),
            subnet_ids: vec!["subnet-01234567".to_owned()],
            security_group_ids: vec!["sg-01234567".to_owned()],
            fleet_role: Some("arn:aws:iam::123456789012:role/r".to_owned()),
            ..Init::default()
        };
        let (answers, shown) = asked(&arguments, "\n\n\n");
        assert!(answers.is_ok(), "{shown}");
        assert!(!shown.contains("region") && !shown.contains("Subnets"), "{shown}");
    }

    #[test]
    fn a_person_can_leave() {
        for lines in ["", "\n", "\nsim\n", "\n\n\n", "\n\n\nno\n"] {
            assert_eq!(asked(&Init::default(), lines).0, Err(ErrorKind::Refused), "{lines:?}");
        }
    }
}
