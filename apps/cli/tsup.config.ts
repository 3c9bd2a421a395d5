export { library as default } from '../../tsup.config.ts'
