/** Does what the payload says: throws, rejects, never settles; or succeeds. */
export default {
  onSubmit(submit) {
    const outcome = Buffer.from(submit.payload).toString()
    if (outcome === 'throw') throw new Error('as scripted')
    if (outcome === 'reject') return Promise.reject(new Error('as scripted'))
    if (outcome === 'never') return new Promise(() => {})
    return outcome === 'later' ? Promise.resolve(0) : 0
  },
}
