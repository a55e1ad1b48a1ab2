//! Machines and requests as they are shown: one table of fields for each, from which every output format follows.
//!
//! In JSON and YAML an entry has all its fields, under Host Factory's names or plain ones; tables and
//! blocks show the most important ones, or all. Times are seconds since 1970 for programs and dates for
//! people.

use ohfp_broker::provider::Instance;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{Machine, RequestWithMachines, Result, Timestamp};
use ohfp_cli::{ListOptions, TimestampFormat};
use ohfp_render::table::{self, Table, same_name};
use ohfp_render::{Format, Rendered, documents, text};
use serde_json::{Map, Value, json};

use super::filter;
use super::look::Look;
use super::page::Page;

/// The name of a field and its value under plain names.
type PlainField<T> = fn(&T) -> (&'static str, Value);

/// A kind of entry: the name of its lists, and its fields.
pub(crate) struct Rows<T: 'static> {
    plural: &'static str,
    fields: &'static [Field<T>],
    /// A field that has another value under plain names.
    plain: Option<PlainField<T>>,
}

/// A field under Host Factory's name and its plain one.
struct Field<T> {
    names: [&'static str; 2],
    heading: &'static str,
    place: Visibility,
    cell: Cell,
    value: fn(&T) -> Value,
}

/// Whether tables and blocks show a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visibility {
    Always,
    Long,
}

/// How a table shows the value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    AsIs,
    Date,
    /// A list, shown as its length; blocks show the elements.
    Count,
}

use Cell::{AsIs, Count, Date};
use Visibility::{Always, Long};

const fn field<T>(
    names: [&'static str; 2],
    heading: &'static str,
    place: Visibility,
    cell: Cell,
    value: fn(&T) -> Value,
) -> Field<T> {
    Field { names, heading, place, cell, value }
}

/// Fields of machines.
pub(crate) static MACHINES: Rows<Machine> = Rows {
    plural: "machines",
    plain: None,
    fields: &[
        field(["machineId", "machine_id"], "MACHINE", Always, AsIs, |machine| json!(machine.id.as_str())),
        field(["name", "name"], "NAME", Always, AsIs, |machine| json!(machine.name)),
        field(["status", "status"], "STATUS", Always, AsIs, |machine| json!(machine.state.name())),
        field(["templateId", "template_id"], "TEMPLATE", Always, AsIs, |machine| json!(machine.template_id)),
        field(["instanceType", "instance_type"], "TYPE", Always, AsIs, |machine| {
            json!(machine.instance_type)
        }),
        field(["privateIpAddress", "private_ip_address"], "PRIVATE IP", Always, AsIs, |machine| {
            json!(machine.private_ip)
        }),
        field(["launchtime", "launch_time"], "LAUNCHED", Always, Date, |machine| {
            seconds(Some(machine.launched))
        }),
        field(["publicIpAddress", "public_ip_address"], "PUBLIC IP", Long, AsIs, |machine| {
            json!(machine.public_ip)
        }),
        field(["priceType", "price_type"], "PRICE", Long, AsIs, |machine| json!(machine.price_type)),
        field(["providerName", "provider_name"], "PROVIDER", Long, AsIs, |machine| json!(machine.provider)),
        field(["requestId", "request_id"], "REQUEST", Long, AsIs, |machine| json!(machine.request.as_str())),
        field(["returnRequestId", "return_request_id"], "RETURN", Long, AsIs, |machine| {
            json!(machine.returned_by.as_ref().map(ohfp_broker::RequestId::as_str))
        }),
        field(["ending", "ending"], "ENDING", Long, AsIs, |machine| {
            json!(machine.ending.map(ohfp_broker::Ending::name))
        }),
        field(["reclaimTime", "reclaim_time"], "RECLAIMED", Long, Date, |machine| {
            seconds(machine.reclaim_at)
        }),
        field(["units", "units"], "UNITS", Long, AsIs, |machine| json!(machine.units)),
        field(["ncores", "cores"], "CORES", Long, AsIs, |machine| json!(machine.cores)),
        field(["nthreads", "threads_per_core"], "THREADS", Long, AsIs, |machine| {
            json!(machine.threads_per_core)
        }),
        field(["rcAccount", "rc_account"], "ACCOUNT", Long, AsIs, |machine| json!(machine.rc_account)),
        field(["resourceId", "resource_id"], "RESOURCE", Long, AsIs, |machine| json!(machine.resource_id)),
        field(["instanceTags", "tags"], "TAGS", Long, AsIs, |machine| json!(machine.tags)),
        field(["updateTime", "update_time"], "UPDATED", Long, Date, |machine| seconds(Some(machine.updated))),
        field(["message", "message"], "MESSAGE", Long, AsIs, |machine| json!(machine.message)),
    ],
};

/// Fields of requests and returns.
pub(crate) static REQUESTS: Rows<RequestWithMachines> = Rows {
    plural: "requests",
    plain: Some(|view| ("status", json!(ohfp_wire::plain_request_status(&view.request)))),
    fields: &[
        field(["requestId", "request_id"], "REQUEST", Always, AsIs, |view| json!(view.request.id.as_str())),
        field(["type", "type"], "TYPE", Always, AsIs, |view| json!(view.request.kind.name())),
        field(["status", "status"], "STATUS", Long, AsIs, |view| {
            json!(ohfp_wire::request_status(&view.request))
        }),
        field(["state", "state"], "STATE", Always, AsIs, |view| json!(view.request.state.name())),
        field(["templateId", "template_id"], "TEMPLATE", Always, AsIs, |view| {
            json!(view.request.template_id)
        }),
        field(["providerName", "provider_name"], "PROVIDER", Long, AsIs, |view| json!(view.request.provider)),
        field(["machineCount", "machine_count"], "REQUESTED", Always, AsIs, |view| {
            json!(view.request.requested)
        }),
        field(["machineIds", "machine_ids"], "MACHINES", Always, Count, |view| {
            view.machines.iter().map(|machine| machine.id.as_str()).collect()
        }),
        field(["createTime", "create_time"], "CREATED", Always, Date, |view| {
            seconds(Some(view.request.created))
        }),
        field(["updateTime", "update_time"], "UPDATED", Long, Date, |view| {
            seconds(Some(view.request.updated))
        }),
        field(["deadline", "deadline"], "DEADLINE", Long, Date, |view| seconds(Some(view.request.deadline))),
        field(["rcAccount", "rc_account"], "ACCOUNT", Long, AsIs, |view| json!(view.request.rc_account)),
        field(["providerApi", "provider_api"], "API", Long, AsIs, |view| json!(view.request.provider_api)),
        field(["resourceIds", "resource_ids"], "RESOURCES", Long, Count, |view| {
            json!(view.request.resource_ids)
        }),
        field(["message", "message"], "MESSAGE", Always, AsIs, |view| json!(view.request.reason)),
    ],
};

/// Fields of machines as the provider reports them.
pub(crate) static INSTANCES: Rows<Instance> = Rows {
    plural: "machines",
    plain: None,
    fields: &[
        field(["machineId", "machine_id"], "MACHINE", Always, AsIs, |seen| json!(seen.id.as_str())),
        field(["name", "name"], "NAME", Always, AsIs, |seen| json!(seen.name)),
        field(["status", "status"], "STATUS", Always, AsIs, |seen| json!(seen.state.name())),
        field(["instanceType", "instance_type"], "TYPE", Always, AsIs, |seen| json!(seen.instance_type)),
        field(["privateIpAddress", "private_ip_address"], "PRIVATE IP", Always, AsIs, |seen| {
            json!(seen.private_ip)
        }),
        field(["launchtime", "launch_time"], "LAUNCHED", Always, Date, |seen| seconds(Some(seen.launched))),
        field(["reclaimTime", "reclaim_time"], "RECLAIMED", Always, Date, |seen| seconds(seen.reclaim_at)),
        field(["publicIpAddress", "public_ip_address"], "PUBLIC IP", Long, AsIs, |seen| {
            json!(seen.public_ip)
        }),
        field(["priceType", "price_type"], "PRICE", Long, AsIs, |seen| json!(seen.price_type)),
        field(["message", "message"], "MESSAGE", Long, AsIs, |seen| json!(seen.reason)),
    ],
};

impl<T> Rows<T> {
    /// Renders a list: applies the filters, then the order, then the page.
    ///
    /// # Errors
    /// [`Usage`](ohfp_broker::ErrorKind::Usage) for a filter or a field that does not exist.
    pub(crate) fn list(
        &self,
        items: &[T],
        options: &ListOptions,
        page: Page,
        look: &Look,
    ) -> Result<Rendered> {
        let style = look.style;
        let filters = filter::parse(&options.filter, |name| self.name(name, style).unwrap_or(name))?;
        let entries = items.iter().map(|item| self.entry(item, style)).collect();
        let known: Vec<&str> = self.fields.iter().map(|field| field.name(style)).collect();
        let entries = filter::retain(&filters, entries, &known, |entry| entry)?;
        let entries = page.cut(self.sorted(entries, look)?);
        // What is chosen of the columns is chosen of all.
        let shown = |field: &&Field<T>| options.long || !look.columns.is_empty() || field.place == Always;
        Ok(match look.format {
            Format::Json | Format::Yaml => self.document(self.timed(entries, look), look.format),
            Format::Table => self.table(&entries, look, shown),
            Format::List => {
                let blocks = entries.iter().map(|entry| self.for_people(entry, look, shown)).collect();
                self.document(blocks, look.format)
            }
        })
    }

    /// Renders one entry with all its fields.
    pub(crate) fn show(&self, item: &T, look: &Look) -> Rendered {
        let entry = self.entry(item, look.style);
        let entry = match look.format {
            Format::Json | Format::Yaml => self.timed_entry(entry, look),
            Format::Table | Format::List => self.for_people(&entry, look, |_| true),
        };
        documents::render(&Value::Object(entry), look.format)
    }

    /// Sorts entries by the field that the command line names.
    fn sorted(&self, entries: Vec<Map<String, Value>>, look: &Look) -> Result<Vec<Map<String, Value>>> {
        let Some(by) = look.sort_by.as_deref() else { return Ok(entries) };
        let wanted = table::sort_field(by);
        let heading = |field: &&Field<T>| same_name(field.heading, wanted);
        let named = self.name(wanted, look.style);
        let by_heading = || self.fields.iter().find(heading).map(|field| field.name(look.style));
        let Some(name) = named.or_else(by_heading) else {
            let known: Vec<&str> = self.fields.iter().map(|field| field.name(look.style)).collect();
            return Err(table::no_sort_field(by).hint(format!("the fields are {}", known.join(", "))));
        };
        Ok(table::sort(entries, by, |entry| {
            let mut out = String::new();
            text::value(&mut out, entry.get(name).unwrap_or(&Value::Null));
            out
        }))
    }

    fn timed(&self, entries: Vec<Map<String, Value>>, look: &Look) -> Vec<Map<String, Value>> {
        entries.into_iter().map(|entry| self.timed_entry(entry, look)).collect()
    }

    /// An entry for programs, with its times in the form that the command line names.
    pub(crate) fn timed_entry(&self, mut entry: Map<String, Value>, look: &Look) -> Map<String, Value> {
        if look.times == TimestampFormat::Iso {
            for field in self.fields.iter().filter(|field| field.cell == Date) {
                if let Some(value) = entry.get_mut(field.name(look.style))
                    && let Some(seconds) = value.as_i64()
                {
                    *value = Value::String(Timestamp::from_seconds(seconds).to_string());
                }
            }
        }
        entry
    }

    /// All fields of an entry, named in the given style.
    pub(crate) fn entry(&self, item: &T, style: SchedulerKind) -> Map<String, Value> {
        let mut entry: Map<String, Value> =
            self.fields.iter().map(|field| (field.name(style).to_owned(), (field.value)(item))).collect();
        if let (SchedulerKind::Default, Some(plain)) = (style, self.plain) {
            let (name, value) = plain(item);
            entry.insert(name.to_owned(), value);
        }
        entry
    }

    /// The headings of the long table.
    #[cfg(test)]
    pub(super) fn headings(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.heading)
    }

    /// The name in this style of a field that is named in either style; `None` for an unknown one.
    fn name(&self, name: &str, style: SchedulerKind) -> Option<&'static str> {
        let named = |field: &&Field<T>| field.names.iter().any(|own| same_name(own, name));
        self.fields.iter().find(named).map(|field| field.name(style))
    }

    fn document(&self, entries: Vec<Map<String, Value>>, format: Format) -> Rendered {
        let entries = entries.into_iter().map(Value::Object).collect();
        let document = Map::from_iter([(self.plural.to_owned(), Value::Array(entries))]);
        documents::render(&Value::Object(document), format)
    }

    fn table(
        &self,
        entries: &[Map<String, Value>],
        look: &Look,
        shown: impl Fn(&&Field<T>) -> bool,
    ) -> Rendered {
        let columns: Vec<&Field<T>> = self.fields.iter().filter(shown).collect();
        let mut table = Table::new(columns.iter().map(|field| field.heading.to_owned()).collect());
        for entry in entries {
            for field in &columns {
                let value = entry.get(field.name(look.style)).unwrap_or(&Value::Null);
                match (field.cell, value) {
                    (Count, Value::Array(elements)) => table.cell(&elements.len().to_string()),
                    _ => table.cell(&for_people(field.cell, value, look.times)),
                }
            }
        }
        Rendered::table(table.named(columns.iter().map(|field| field.names).collect()).ordered())
    }

    /// The values of the fields as text.
    fn for_people(
        &self,
        entry: &Map<String, Value>,
        look: &Look,
        shown: impl Fn(&&Field<T>) -> bool,
    ) -> Map<String, Value> {
        let fields = self.fields.iter().filter(shown);
        fields
            .map(|field| {
                let name = field.name(look.style);
                let value = entry.get(name).unwrap_or(&Value::Null);
                (name.to_owned(), Value::String(for_people(field.cell, value, look.times)))
            })
            .collect()
    }
}

impl<T> Field<T> {
    fn name(&self, style: SchedulerKind) -> &'static str {
        let [hf, plain] = self.names;
        match style {
            SchedulerKind::HostFactory => hf,
            SchedulerKind::Default => plain,
        }
    }
}

/// Renders one request with its machines and all their fields.
pub(crate) fn show_request(view: &RequestWithMachines, look: &Look) -> Rendered {
    if matches!(look.format, Format::Table | Format::List) {
        return REQUESTS.show(view, look);
    }
    documents::render(&whole_request(view, look), look.format)
}

/// Renders several requests as [`show_request`] does one.
pub(crate) fn show_requests(views: &[RequestWithMachines], look: &Look) -> Result<Rendered> {
    if matches!(look.format, Format::Table | Format::List) {
        let options = ListOptions { long: look.format == Format::List, ..ListOptions::default() };
        return REQUESTS.list(views, &options, Page::default(), look);
    }
    let requests: Vec<Value> = views.iter().map(|view| whole_request(view, look)).collect();
    Ok(documents::render(&json!({ "requests": requests }), look.format))
}

fn whole_request(view: &RequestWithMachines, look: &Look) -> Value {
    let mut entry = REQUESTS.timed_entry(REQUESTS.entry(view, look.style), look);
    let machines = view
        .machines
        .iter()
        .map(|machine| Value::Object(MACHINES.timed_entry(MACHINES.entry(machine, look.style), look)));
    entry.insert("machines".to_owned(), machines.collect());
    Value::Object(entry)
}

/// Renders statuses in the wire format. Tables have a row for each request, with its machines counted by
/// result; `machines list --request-id` shows each machine.
pub(crate) fn statuses(wire: &Value, format: Format) -> Rendered {
    let requests = wire.get("requests").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match format {
        Format::Json | Format::Yaml => documents::render(wire, format),
        Format::Table | Format::List => {
            let rows: Vec<Value> = requests.iter().map(status_row).collect();
            // The table of no request has the columns of one.
            let empty = format == Format::Table && rows.is_empty();
            let rows = if empty { vec![status_row(&Value::Null)] } else { rows };
            let mut table = document(&json!({ "requests": rows }), format);
            if empty {
                table.body.clear();
                table.grid = table.grid.map(Table::emptied);
            }
            table
        }
    }
}

/// Renders any other document. For people, an empty list and a list of scalars become the value of a field,
/// since they have no columns.
pub(crate) fn document(value: &Value, format: Format) -> Rendered {
    let people = matches!(format, Format::Table | Format::List);
    let Some(members) = value.as_object().filter(|_| people) else {
        return documents::render(value, format);
    };
    let simple = members.iter().map(|(name, value)| {
        let entries =
            value.as_array().is_none_or(|items| !items.is_empty() && items.iter().all(Value::is_object));
        (
            name.clone(),
            if entries {
                value.clone()
            } else {
                Value::String(for_people(AsIs, value, TimestampFormat::Auto))
            },
        )
    });
    documents::render(&Value::Object(simple.collect()), format)
}

fn status_row(request: &Value) -> Value {
    let get = |names: [&str; 2]| names.iter().find_map(|name| request.get(name)).unwrap_or(&Value::Null);
    let machines = request.get("machines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let count = |result: &str| machines.iter().filter(|machine| machine["result"] == result).count();
    json!({
        "request": get(["requestId", "request_id"]),
        "status": get(["status", "status"]),
        "succeeded": count("succeed"),
        "executing": count("executing"),
        "failed": count("fail"),
        "message": get(["message", "message"]),
    })
}

/// Formats a value for people.
fn for_people(cell: Cell, value: &Value, times: TimestampFormat) -> String {
    let mut out = String::new();
    match (cell, value.as_i64()) {
        (Date, Some(seconds)) if times != TimestampFormat::Unix => {
            out = Timestamp::from_seconds(seconds).to_string();
        }
        _ => text::value(&mut out, value),
    }
    if out.is_empty() { "-".to_owned() } else { out }
}

fn seconds(time: Option<Timestamp>) -> Value {
    json!(time.map(Timestamp::seconds))
}
