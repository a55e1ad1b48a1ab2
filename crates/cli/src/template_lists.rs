//! Which templates are shown.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use clap::Args;

use crate::arguments::{ListOptions, OptionalInput};

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesList {
    /// Only templates that are launched by this API, as in EC2Fleet
    #[arg(long, value_name = "API")]
    pub provider_api: Option<String>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
    pub input: OptionalInput,

    #[command(flatten)]
    #[expect(missing_docs, reason = "as above")]
    pub list: ListOptions,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("asked").args(["template_id", "template_option"]).required(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct TemplatesShow {
    /// Id of the template, in exactly its spelling
    pub template_id: Option<String>,

    /// The same as an option
    #[arg(short, long = "template-id", value_name = "TEMPLATE_ID")]
    pub template_option: Option<String>,
}

impl TemplatesShow {
    /// The template, from the argument or the option.
    pub fn id(&self) -> &str {
        self.template_id.as_deref().or(self.template_option.as_deref()).unwrap_or_default()
    }
}
