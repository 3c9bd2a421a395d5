/** Never settles. */
export default {
  onSubmit: (_submit) => new Promise(() => {}),
}
