/** Request 1 is answered at a SIGUSR2; request 99 throws an uncaught exception. */
export default {
  onSubmit({ id }) {
    if (id === '00000001') return new Promise((resolve) => process.once('SIGUSR2', () => resolve()))
    if (id === '00000099') {
      setTimeout(() => {
        throw new Error('on purpose')
      })
    }
  },
}
