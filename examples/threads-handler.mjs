// Runs in the worker threads of threads.mjs: 0 if the payload is a prime number, else 1.
export default function onSubmit(submit) {
  const n = Number(new TextDecoder().decode(submit.payload))
  if (!Number.isInteger(n) || n < 2) return 1
  for (let divisor = 2; divisor * divisor <= n; divisor++) {
    if (n % divisor === 0) return 1
  }
  return 0
}
