interface Answer<T> {
  status: 'success' | 'error'
  error?: string
  data: T
}

interface Vector {
  resultType: 'vector' | 'scalar'
  result: { metric: Record<string, string>; value: [time: number, value: string] }[] | [time: number, value: string]
}

export interface AlertState {
  name: string
  health: string
  lastError?: string
  state: string
}

/** The parts of Prometheus' HTTP API that the tests use. */
export class PrometheusApi {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#url}/-/ready`)).ok
    } catch {
      return false
    }
  }

  /** The current values of a query, one for each series. */
  async values(query: string): Promise<number[]> {
    const { resultType, result } = await this.#get<Vector>('query', { query })
    if (resultType !== 'vector') throw new Error(`"${query}" is a ${resultType}, not a vector`)
    return (result as { value: [number, string] }[]).map(({ value: [, text] }) => Number(text))
  }

  /** Whether the selector matches a series of the last five minutes. */
  async hasSeries(selector: string): Promise<boolean> {
    return (await this.values(`count(${selector})`)).length > 0
  }

  labelValues(label: string, selector: string): Promise<string[]> {
    return this.#get(`label/${label}/values`, { 'match[]': selector })
  }

  async alerts(): Promise<AlertState[]> {
    const { groups } = await this.#get<{ groups: { rules: AlertState[] }[] }>('rules', {})
    return groups.flatMap(({ rules }) => rules)
  }

  async #get<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const answer = (await response.json()) as Answer<T>
    if (answer.status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${answer.error}`)
    return answer.data
  }
}
