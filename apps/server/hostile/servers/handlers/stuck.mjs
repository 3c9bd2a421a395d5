/** Never settles. */
export default {
  onSubmit: () => new Promise(() => {}),
}
