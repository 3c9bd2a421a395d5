/** Variables that set a flag of the programs, show that a test runs, or come from an npm that runs the tests. */
const LEFT_OUT =
  /^(DEMO_|VITEST|NODE_OPTIONS$|FORCE_COLOR$|npm_(lifecycle|package|command|execpath|config_(local_)?prefix))/

/** The environment of the tests as a child process should get it. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !LEFT_OUT.test(name)))
}
