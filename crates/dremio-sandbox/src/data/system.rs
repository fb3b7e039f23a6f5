//! The `sys` tables and their columns (contract §6.2); the rows are in `run::system_tables`.
//!
//! `sys.project.*` and `sys.organization.*` do not exist, as in Dremio OSS.

use super::builder::Builder;
use super::information_schema;
use crate::catalog::Source;

const JOBS: &str = "job_id, status, query_type, user_name, queried_datasets, scanned_datasets, \
    attempt_count INTEGER, \
    submitted_ts TIMESTAMP, attempt_started_ts TIMESTAMP, metadata_retrieval_ts TIMESTAMP, \
    planning_start_ts TIMESTAMP, \
    query_enqueued_ts TIMESTAMP, engine_start_ts TIMESTAMP, execution_planning_ts TIMESTAMP, \
    execution_start_ts TIMESTAMP, \
    final_state_ts TIMESTAMP, submitted_epoch_millis BIGINT, attempt_started_epoch_millis BIGINT, \
    metadata_retrieval_epoch_millis BIGINT, planning_start_epoch_millis BIGINT, \
    query_enqueued_epoch_millis BIGINT, \
    engine_start_epoch_millis BIGINT, execution_planning_epoch_millis BIGINT, \
    execution_start_epoch_millis BIGINT, \
    final_state_epoch_millis BIGINT, planner_estimated_cost DOUBLE, rows_scanned BIGINT, \
    bytes_scanned BIGINT, \
    rows_returned BIGINT, bytes_returned BIGINT, accelerated BOOLEAN, queue_name, engine, \
    error_msg, query, \
    is_profile_incomplete BOOLEAN, execution_allocated_bytes BIGINT, execution_cpu_time_millis \
    BIGINT";

const OPTIONS: &str =
    "name, kind, type, status, num_val BIGINT, string_val, bool_val BOOLEAN, float_val DOUBLE";

const TABLES: [(&str, &str); 28] = [
    ("boot", OPTIONS),
    (
        "copy_errors_history",
        "executed_at TIMESTAMP, job_id, table_name, user_name, base_snapshot_id BIGINT, \
            storage_location, file_path, \
        file_state, records_loaded_count BIGINT, records_rejected_count BIGINT",
    ),
    (
        "copy_file_history",
        "event_timestamp TIMESTAMP, job_id, file_path, file_state, records_loaded_count BIGINT, \
        records_rejected_count BIGINT, pipe_id, file_size BIGINT, first_error_message, \
        file_notification_timestamp TIMESTAMP, \
        ingestion_source_type, request_id",
    ),
    (
        "copy_job_history",
        "executed_at TIMESTAMP, job_id, table_name, records_loaded_count BIGINT, \
            records_rejected_count BIGINT, \
        copy_options, user_name, base_snapshot_id BIGINT, storage_location, file_format, branch, \
        pipe_name, pipe_id, \
        time_elapsed BIGINT, transformation_properties",
    ),
    (
        "fragments",
        "node_id, hostname, job_id, major_fragment_id INTEGER, minor_fragment_id INTEGER, \
            memory_usage BIGINT, \
        rows_processed BIGINT, start_time TIMESTAMP, blocks, thread INTEGER, scheduler_info, \
        sleeping BIGINT, blocked BIGINT, \
        memory_grant BIGINT",
    ),
    ("jobs", JOBS),
    ("jobs_recent", JOBS),
    (
        "materializations",
        "reflection_id, materialization_id, created TIMESTAMP, expires TIMESTAMP, size_bytes \
            BIGINT, series_id BIGINT, \
        init_refresh_job_id, series_ordinal INTEGER, join_analysis, state, failure_msg, \
        data_partitions, last_refresh_from_pds TIMESTAMP, \
        last_refresh_finished TIMESTAMP, last_refresh_duration_millis BIGINT",
    ),
    ("membership", "role_name, member_name, member_type"),
    (
        "memory",
        "node_id, hostname, fabric_port, heap_current BIGINT, heap_max BIGINT, direct_current \
            BIGINT, jvm_direct_current BIGINT, \
        direct_max BIGINT",
    ),
    (
        "nodes",
        "name, hostname, ip, user_port INTEGER, fabric_port INTEGER, cpu DOUBLE, memory DOUBLE, \
            status, is_master BOOLEAN, \
        is_coordinator BOOLEAN, is_executor BOOLEAN, node_tag, version, load DOUBLE, \
        configured_max_width INTEGER, \
        actual_max_width INTEGER, current BOOLEAN, start TIMESTAMP",
    ),
    (
        "nodes_recent",
        "timestamp TIMESTAMP, name, hostname, ip, cpu FLOAT, memory FLOAT, status, is_master \
            BOOLEAN, \
        is_coordinator BOOLEAN, is_executor BOOLEAN, start TIMESTAMP",
    ),
    ("options", OPTIONS),
    ("privileges", "object_id, object_type, grantee_id, grantee_type, privilege"),
    ("reflection_dependencies", "reflection_id, dependency_id, dependency_type, dependency_path"),
    (
        "reflections",
        "reflection_id, reflection_name, type, created_at TIMESTAMP, updated_at TIMESTAMP, \
            status, dataset_id, dataset_name, \
        dataset_type, sort_columns, partition_columns, distribution_columns, dimensions, \
        measures, display_columns, \
        external_reflection, num_failures INTEGER, last_failure_message, last_failure_stack, \
        arrow_cache BOOLEAN, refresh_status, \
        acceleration_status, record_count BIGINT, current_footprint_bytes BIGINT, \
        total_footprint_bytes BIGINT, \
        last_refresh_duration_millis BIGINT, last_refresh_from_table TIMESTAMP, refresh_method, \
        available_until TIMESTAMP, \
        considered_count INTEGER, matched_count INTEGER, accelerated_count INTEGER",
    ),
    (
        "refreshes",
        "refresh_id, reflection_id, series_id BIGINT, created_at TIMESTAMP, modified_at \
            TIMESTAMP, path, job_id, \
        job_start TIMESTAMP, job_end TIMESTAMP, input_bytes BIGINT, input_records BIGINT, \
        output_bytes BIGINT, output_records BIGINT, \
        original_cost DOUBLE, update_id, partitions, series_ordinal INTEGER",
    ),
    ("roles", "role_id, role_name, role_type, created_by"),
    ("services", "service, hostname, user_port INTEGER, fabric_port INTEGER"),
    (
        "slicing_threads",
        "node_id, hostname, fabric_port INTEGER, thread_name, slicing_thread_id INTEGER, \
            os_thread_id INTEGER, \
        cpu_id INTEGER, num_tasks INTEGER, num_staged_tasks INTEGER, num_requested_work INTEGER",
    ),
    (
        "table_statistics",
        "table, column, created_at TIMESTAMP, number_of_distinct_values BIGINT, row_count BIGINT, \
            null_count BIGINT, \
        quantiles, heavy_hitters",
    ),
    (
        "threads",
        "node_id, hostname, fabric_port BIGINT, thread_name, thread_id BIGINT, is_native BOOLEAN, \
            suspended BOOLEAN, \
        thread_state, cpu_time INTEGER, user_time INTEGER, cores INTEGER, stack_trace",
    ),
    ("timezone_abbrevs", "timezone_abbrev, tz_offset, is_daylight_savings BOOLEAN"),
    (
        "timezone_names",
        "timezone_name, tz_offset, offset_daylight_savings, is_daylight_savings BOOLEAN",
    ),
    (
        "user_defined_functions",
        "argList, name, sql, returnType, createdAt TIMESTAMP, modifiedAt TIMESTAMP, owner",
    ),
    ("version", "version, commit_id, commit_message, commit_time, build_email, build_time"),
    // Below a folder.
    (
        "cache.mount_points",
        "hostname, mount_point_path, mount_point_id BIGINT, current_state, current_space_state, \
            sub_dir_count BIGINT, \
        approx_file_count BIGINT, total_space BIGINT, max_space BIGINT, used_space BIGINT, \
        current_free_space BIGINT, \
        avg_read_time_nanos BIGINT, avg_write_time_nanos BIGINT, latest_eviction_timestamp \
        BIGINT, latest_evicted_bytes BIGINT",
    ),
    (
        "cache.storage_plugins",
        "hostname, storage_plugin_name, approx_file_count BIGINT, approx_size_bytes BIGINT, \
        max_available_space BIGINT",
    ),
];

pub(super) fn add(builder: &mut Builder) -> Result<(), String> {
    // Every Dremio has it, for temporary tables; here it stays empty.
    builder.source(
        "$scratch",
        Source {
            ty: "INTERNAL",
            plugin: "com.dremio.exec.store.dfs.FileSystemPlugin",
            is_file_system: true,
            is_internal: true,
        },
    );
    for name in ["INFORMATION_SCHEMA", "sys"] {
        builder.source(
            name,
            Source {
                ty: name,
                plugin: "com.dremio.exec.store.sys.SystemStoragePlugin",
                is_file_system: false,
                is_internal: true,
            },
        );
    }
    for (name, columns) in information_schema::TABLES {
        builder.system_table(&["INFORMATION_SCHEMA", name], columns)?;
    }
    builder.folder(&["sys", "cache"]);
    for (name, columns) in TABLES {
        match name.split_once('.') {
            Some((folder, name)) => builder.system_table(&["sys", folder, name], columns)?,
            None => builder.system_table(&["sys", name], columns)?,
        }
    }
    Ok(())
}
