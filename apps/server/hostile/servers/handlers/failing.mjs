/** Does what its request says: throws, rejects, never settles; or succeeds. */
export default {
  onSubmit(submit) {
    const wish = Buffer.from(submit.payload).toString()
    if (wish === 'throw') throw new Error('as wished')
    if (wish === 'reject') return Promise.reject(new Error('as wished'))
    if (wish === 'never') return new Promise(() => {})
    return wish === 'later' ? Promise.resolve(0) : 0
  },
}
