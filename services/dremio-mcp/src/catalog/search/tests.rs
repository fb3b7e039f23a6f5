//! Whether questions find their tables among 5,000: near copies of each other, as companies have
//! them.

use super::super::contents::Contents;
use super::super::load::Texts;
use super::super::{Column, Kind, Snapshot, Table, words};
use super::{rank, views_first};

/// Domains with their tables; behind each table, columns that others do not have.
const DOMAINS: &[(&str, &[(&str, &str)])] = &[
    (
        "finance",
        &[
            ("invoices", "invoice_number iban due_date net_amount"),
            ("ledger_entries", "debit credit posting_date cost_center"),
            ("exchange_rates", "from_currency to_currency rate"),
            ("budgets", "fiscal_year planned_amount"),
            ("tax_filings", "vat_id filing_date"),
            ("payments", "payment_method settled_at"),
            ("bank_accounts", "bic account_holder"),
            ("fixedAssets", "purchase_price depreciation_months"),
        ],
    ),
    (
        "sales",
        &[
            ("customers", "customer_name email loyalty_tier"),
            ("orders", "customer_id order_total shipping_fee"),
            ("order_items", "sku qty unit_price"),
            ("opportunities", "pipeline_stage win_probability"),
            ("quotes", "valid_until discount_pct"),
            ("returns", "return_reason refund_amount"),
            ("territories", "sales_region quota"),
            ("PriceLists", "list_price price_group"),
        ],
    ),
    (
        "hr",
        &[
            ("employees", "hire_date job_title manager_id"),
            ("salaries", "base_salary bonus pay_grade"),
            ("absences", "sick_days leave_type"),
            ("applicants", "interview_date cv_url"),
            ("trainings", "course_title certificate"),
            ("departments", "dept_name head_count"),
            ("timesheets", "hours_worked overtime"),
            ("benefits", "pension_plan insurer"),
        ],
    ),
    (
        "logistics",
        &[
            ("shipments", "tracking_code carrier delivered_at"),
            ("warehouses", "capacity_pallets gate_count"),
            ("stock_levels", "on_hand reserved reorder_point"),
            ("routes", "stop_sequence distance_km"),
            ("vehicles", "license_plate mileage"),
            ("drivers", "driving_license shift"),
            ("customs_declarations", "hs_code duty"),
            ("pickups", "pickup_window dock"),
        ],
    ),
    (
        "marketing",
        &[
            ("campaigns", "campaign_budget channel click_rate"),
            ("leads", "utm_source lead_score"),
            ("newsletters", "subject_line open_rate"),
            ("surveys", "nps respondent"),
            ("events", "venue attendee_count"),
            ("ad_spend", "impressions cost_per_click"),
            ("social_posts", "hashtag likes"),
            ("webinars", "speaker registrations"),
        ],
    ),
    (
        "web",
        &[
            ("page_views", "url referrer user_agent"),
            ("sessions", "session_length bounce"),
            ("clickstream", "element_id mouse_x"),
            ("search_terms", "search_phrase hits"),
            ("carts", "abandoned cart_value"),
            ("experiments", "variant uplift"),
            ("cookies", "consent expires_at"),
            ("errors_js", "stack_trace browser"),
        ],
    ),
    (
        "support",
        &[
            ("tickets", "priority first_response_minutes"),
            ("agents", "skill_group queue"),
            ("calls", "wait_seconds recording_url"),
            ("chats", "transcript sentiment"),
            ("knowledge_articles", "article_body helpful_votes"),
            ("complaints", "severity compensation"),
            ("sla_targets", "target_hours breach"),
            ("feedback", "star_rating remark"),
        ],
    ),
    (
        "manufacturing",
        &[
            ("machines", "serial_number last_service"),
            ("work_orders", "planned_start scrap_rate"),
            ("bill_of_materials", "component_id quantity_per"),
            ("quality_checks", "defect_code inspector"),
            ("downtimes", "downtime_reason minutes_lost"),
            ("sensors", "temperature vibration humidity"),
            ("suppliers", "supplier_name lead_time_days"),
            ("recipes", "ingredient batch_size"),
        ],
    ),
    (
        "risk",
        &[
            ("fraud_alerts", "fraud_score blocked"),
            ("credit_scores", "probability_of_default bureau"),
            ("claims", "claim_number loss_amount"),
            ("policies", "premium coverage"),
            ("audits", "finding auditor"),
            ("incidents", "root_cause reported_at"),
            ("sanctions", "sanction_list alias"),
            ("collateral", "appraised_value lien"),
        ],
    ),
    (
        "health",
        &[
            ("patients", "blood_type insurance_number"),
            ("appointments", "appointment_slot no_show"),
            ("prescriptions", "drug dosage"),
            ("lab_results", "specimen reference_range"),
            ("diagnoses", "icd10 onset"),
            ("vaccinations", "vaccine dose_number"),
            ("hospitals", "beds trauma_level"),
            ("physicians", "specialty npi"),
        ],
    ),
];

const LAYERS: [&str; 4] = ["raw", "staging", "core", "mart"];
const SUFFIXES: [&str; 16] = [
    "",
    "_history",
    "_daily",
    "_weekly",
    "_monthly",
    "_2019",
    "_2020",
    "_2021",
    "_2022",
    "_2023",
    "_2024",
    "_summary",
    "_rejected",
    "_backup",
    "_tmp",
    "_eu",
];

/// Columns of every table.
const USUAL: [&str; 10] = [
    "id",
    "created_at",
    "updated_at",
    "source_system",
    "country",
    "status",
    "tenant_id",
    "is_deleted",
    "batch_id",
    "comment",
];

/// 10 domains, 8 tables in each, 4 layers and 16 copies of each table: 5,120 tables of 12 columns
/// and more.
fn snapshot() -> Snapshot {
    let (mut tables, mut texts) = (Vec::new(), Texts::default());
    for (domain, entities) in DOMAINS {
        for (entity, own) in *entities {
            for layer in LAYERS {
                for suffix in SUFFIXES {
                    let path = ["lake", layer, domain].map(str::to_owned);
                    let path = path.into_iter().chain([format!("{entity}{suffix}")]).collect();
                    let columns = USUAL.iter().copied().chain(own.split(' '));
                    let column = |name: &str| Column {
                        name: texts.shared(name),
                        data_type: texts.shared("VARCHAR"),
                    };
                    let columns = columns.map(column).collect();
                    tables.push(Table { path, kind: Kind::Table, columns });
                }
            }
        }
    }
    tables.into_iter().collect()
}

/// A question, and parts that the path of an answer has. Where the question leaves a part open, any
/// copy is an answer.
const QUESTIONS: [(&str, &str); 50] = [
    ("invoices", "finance/invoices"),
    ("raw invoices 2021", "raw/finance/invoices_2021"),
    ("Which table has the customers?", "sales/customers"),
    ("customer email addresses", "sales/customers"),
    ("core customers", "core/sales/customers"),
    ("monthly orders in the mart", "mart/sales/orders_monthly"),
    ("order items", "sales/order_items"),
    ("custmers", "sales/customers"),
    ("emploees hire date", "hr/employees"),
    ("where are salaries stored", "hr/salaries"),
    ("base salary and bonus", "hr/salaries"),
    ("sick days of employees", "hr/absences"),
    ("shipment tracking", "logistics/shipments"),
    ("carrier and tracking code of deliveries", "logistics/shipments"),
    ("stock levels core", "core/logistics/stock_levels"),
    ("on_hand", "logistics/stock_levels"),
    ("staging exchange rates 2023", "staging/finance/exchange_rates_2023"),
    ("fixed assets", "finance/fixedAssets"),
    ("depreciation", "finance/fixedAssets"),
    ("price list", "sales/PriceLists"),
    ("pricelists 2020", "sales/PriceLists_2020"),
    ("campaign click rate", "marketing/campaigns"),
    ("utm source of leads", "marketing/leads"),
    ("newsletter open rate weekly", "marketing/newsletters_weekly"),
    ("page views daily", "web/page_views_daily"),
    ("pageviews", "web/page_views"),
    ("abandoned carts", "web/carts"),
    ("search terms", "web/search_terms"),
    ("support tickets first response", "support/tickets"),
    ("call recordings", "support/calls"),
    ("chat sentiment", "support/chats"),
    ("machine serial numbers", "manufacturing/machines"),
    ("bill of materials", "manufacturing/bill_of_materials"),
    ("temperature and humidity sensors", "manufacturing/sensors"),
    ("supplier lead time", "manufacturing/suppliers"),
    ("fraud alerts rejected", "risk/fraud_alerts_rejected"),
    ("probability of default", "risk/credit_scores"),
    ("insurance premium", "risk/policies"),
    ("patients blood type", "health/patients"),
    ("perscriptions", "health/prescriptions"),
    ("drug dosage", "health/prescriptions"),
    ("lab results history", "health/lab_results_history"),
    ("vaccine doses", "health/vaccinations"),
    ("quantity per sku", "sales/order_items"),
    ("department head count", "hr/departments"),
    ("customs duty", "logistics/customs_declarations"),
    ("ledger postings by cost center", "finance/ledger_entries"),
    ("discount percent of quotes", "sales/quotes"),
    ("refunds", "sales/returns"),
    ("mart audits eu", "mart/risk/audits_eu"),
];

#[test]
fn nine_of_ten_questions_find_their_table_among_the_first_five() {
    let contents = Contents::new(snapshot(), false);
    let mut missed = Vec::new();
    for (question, wanted) in QUESTIONS {
        let mut scored = rank(&contents, &words::asked(question), &[]);
        views_first(&contents, &mut scored);
        let paths = scored.iter().take(5).filter_map(|it| contents.table(it.table));
        let paths: Vec<String> = paths.map(|table| table.path.join("/")).collect();
        if !paths.iter().any(|path| is_answer(path, wanted)) {
            missed.push(format!("{question}: {paths:?}"));
        }
    }
    let found = QUESTIONS.len() - missed.len();
    assert!(found * 10 >= QUESTIONS.len() * 9, "{found} of 50\n{}", missed.join("\n"));
}

/// `wanted` names the parts of a path from some part on. Without an ending of a copy, any copy
/// will do.
fn is_answer(path: &str, wanted: &str) -> bool {
    let is_any_copy = SUFFIXES.iter().all(|it| it.is_empty() || !wanted.ends_with(it));
    let path = match SUFFIXES.iter().find(|it| !it.is_empty() && path.ends_with(**it)) {
        Some(suffix) if is_any_copy => path.strip_suffix(suffix).unwrap_or(path),
        _ => path,
    };
    path.strip_suffix(wanted).is_some_and(|above| above.ends_with('/'))
}

#[test]
fn the_plain_table_comes_before_its_copies() {
    let contents = Contents::new(snapshot(), false);
    for (question, wanted) in [("invoices", "invoices"), ("order items", "order_items")] {
        let scored = rank(&contents, &words::asked(question), &[]);
        let table = contents.table(scored[0].table).unwrap();
        assert_eq!(table.path.last().unwrap(), wanted);
    }
}

fn small(views: &[(&str, &str)]) -> Contents {
    let table = |path: &str, kind| Table {
        path: path.split('/').map(str::to_owned).collect(),
        kind,
        columns: vec![Column { name: "email".into(), data_type: "VARCHAR".into() }],
    };
    let mut tables = vec![table("lake/orders", Kind::Table), table("lake/orders_old", Kind::Table)];
    tables.extend(views.iter().map(|(path, _)| table(path, Kind::View)));
    tables.push(table("sys/orders", Kind::System));
    let mut contents = Contents::new(tables.into_iter().collect(), false);
    for (path, sql) in views {
        let (schema, name) = path.rsplit_once('/').unwrap();
        contents.add_view(&schema.replace('/', "."), name, sql);
    }
    contents
}

fn found(contents: &Contents, question: &str) -> Vec<String> {
    let mut scored = rank(contents, &words::asked(question), &[]);
    views_first(contents, &mut scored);
    scored.iter().map(|it| contents.table(it.table).unwrap().path.join("/")).collect()
}

#[test]
fn views_come_before_the_tables_that_they_wrap_and_system_tables_not_at_all() {
    let contents = small(&[("Sales/orders clean up", "SELECT * FROM lake.orders")]);
    assert_eq!(
        found(&contents, "orders"),
        ["Sales/orders clean up", "lake/orders", "lake/orders_old"]
    );
    // A view that makes something else of it does not wrap it.
    for sql in ["SELECT * FROM other", "SELECT * FROM lake.orders, lake.orders_old"] {
        let contents = small(&[("Sales/orders clean up", sql)]);
        assert_eq!(found(&contents, "orders")[0], "lake/orders", "{sql}");
    }
    assert_eq!(found(&contents, "e-mail email").len(), 3);
    assert_eq!(found(&contents, "quarks"), Vec::<String>::new());
}

#[test]
fn what_people_ask_for_comes_first() {
    let mut contents = small(&[("a/orders", "SELECT 1"), ("b/orders", "SELECT 1")]);
    assert_eq!(found(&contents, "orders")[..2], ["lake/orders", "a/orders"]);
    contents.add_questions("[b.orders, a.nothing]", 40);
    assert_eq!(found(&contents, "orders")[0], "b/orders");
}

/// Run by hand: `cargo test --profile dist … -- --ignored --nocapture what_the_index_costs`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "for who runs it by hand")]
fn what_the_index_costs() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let before = resident();
    let snapshot = snapshot();
    let (tables, columns) =
        (snapshot.tables().len(), snapshot.tables().map(|it| it.columns.len()).sum::<usize>());
    let started = std::time::Instant::now();
    let contents = Contents::new(snapshot, false);
    let built = started.elapsed();
    let after = resident();
    let started = std::time::Instant::now();
    for (question, _) in QUESTIONS {
        rank(&contents, &words::asked(question), &[]);
    }
    let (asked, kilobytes) = (started.elapsed() / 50, after - before);
    eprintln!(
        "{tables} tables, {columns} columns: {kilobytes} kB, index {built:?}, question {asked:?}"
    );
}
