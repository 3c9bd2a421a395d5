import { setImmediate as turn } from 'node:timers/promises'

let calls = 0

/** Settles at once, later in the turn, or after some milliseconds: like the backends of a real handler. */
export default {
  async onSubmit(_submit) {
    calls += 1
    if (calls % 3 === 1) await turn()
    if (calls % 97 === 0) await new Promise((resolve) => setTimeout(resolve, calls % 7))
  },
}
