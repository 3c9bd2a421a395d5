/** The parts of `prometheus.yml` that the tests read or change. */
export interface PrometheusConfig {
  global: { scrape_interval: string }
  rule_files: string[]
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[]
}

/** The parts of `alerts.yml` that the tests read. */
export interface AlertRules {
  groups: { name: string; rules: { alert: string; expr: string }[] }[]
}

export function scrapeTargets(config: PrometheusConfig): string[] {
  return config.scrape_configs.flatMap((job) => job.static_configs.flatMap(({ targets }) => targets))
}

/** The same configuration with other addresses: one target for each job. */
export function withTargets(config: PrometheusConfig, targets: Map<string, string>): PrometheusConfig {
  return {
    ...config,
    scrape_configs: config.scrape_configs.map((job) => {
      const target = targets.get(job.job_name)
      if (target === undefined) throw new Error(`no target is given for the job ${job.job_name}`)
      return { ...job, static_configs: [{ targets: [target] }] }
    }),
  }
}
