export { program as default } from '../../tsup.config.ts'
