//! The wasmtime engine: what it compiles to, where instances live, and the clock that stops loops.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
};

use crate::options::Limits;

/// How often a running guest is asked to let others run. A deadline is as exact as this.
pub(crate) const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Core modules in a component: its own and a handful of small ones that adapt it.
const CORE_INSTANCES_PER_COMPONENT: u32 = 16;

/// Tables in a component; indirect calls have one, adapters have another.
const TABLES_PER_COMPONENT: u32 = 8;

/// Instances beside those of requests: running cron components.
const CRON_INSTANCES: u32 = 8;

/// Memory of a freed instance that stays in place for the next one, in bytes.
const KEEP_RESIDENT_BYTES: usize = 64 << 10;

/// Makes an engine for so many instances of components that answer requests, idle ones among them.
pub(crate) fn new(limits: Limits, instances: usize, cache: &Path) -> Result<Engine> {
    let instances = u32::try_from(instances).context("too many instances")?.max(1) + CRON_INSTANCES;

    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_memories(instances)
        .total_core_instances(instances * CORE_INSTANCES_PER_COMPONENT)
        .total_tables(instances * TABLES_PER_COMPONENT)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_memories_per_component(1)
        .max_memory_size(limits.instance_memory_bytes)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES);

    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .cache(Some(open_cache(cache)?));
    let engine = Engine::new(&config)?;
    start_ticker(&engine)?;
    Ok(engine)
}

/// Compiled components, so that a second start need not compile.
fn open_cache(folder: &Path) -> Result<Cache> {
    // The cache takes absolute paths only.
    let folder = std::path::absolute(folder)?;
    let mut config = CacheConfig::new();
    config.with_directory(&folder);
    Cache::new(config)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("cannot use the cache folder {}", folder.display()))
}

/// Ticks for as long as the engine lives.
fn start_ticker(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH_TICK);
        }
    };
    std::thread::Builder::new().name("epoch".into()).spawn(tick)?;
    Ok(())
}
