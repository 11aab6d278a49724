// The page at /v1/docs: reads the OpenAPI document beside it, shows each route, and sends requests
// from the browser. All text goes in as text, never as HTML.

const byId = (id) => document.getElementById(id)

/** An element with children: elements, or text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}

/** What a reference in the document stands for. */
function follow(openapi, schema) {
  if (schema.$ref === undefined) return schema
  const [, ...steps] = schema.$ref.split('/')
  return steps.reduce((at, step) => at[step], openapi)
}

const asText = (value) => JSON.stringify(value, null, 2)

function parameterInput({ name, required, description, schema }) {
  const input = make('input', { placeholder: schema.default ?? '', spellcheck: 'false' })
  const what = `${name}${required ? '' : ' (may be left out)'}: ${description}`
  return { input, label: make('label', {}, what, input) }
}

/** Path and headers of a request, as the fields say. */
function requestOf(path, fields) {
  const query = new URLSearchParams()
  const headers = new Headers()
  let url = path
  for (const { parameter, input } of fields) {
    const { name } = parameter
    if (parameter.in === 'path') url = url.replace(`{${name}}`, encodeURIComponent(input.value))
    else if (input.value === '') continue
    else if (parameter.in === 'header') headers.set(name, input.value)
    else query.set(name, input.value)
  }
  const token = byId('token').value
  if (token !== '') headers.set('authorization', `Bearer ${token}`)
  return { url: query.size === 0 ? url : `${url}?${query}`, headers }
}

async function send(method, request, body) {
  const { url, headers } = request
  if (body !== undefined) headers.set('content-type', 'application/json')
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  const waits = response.headers.get('retry-after')
  const first = `${response.status}${waits === null ? '' : `, Retry-After: ${waits}`}`
  return `${method} ${url}\n${first}\n\n${isJson ? asText(JSON.parse(text)) : text}`
}

function responsesOf(openapi, { responses }) {
  const list = make('ul')
  for (const [status, { description, content }] of Object.entries(responses)) {
    const [{ schema } = {}] = Object.values(content ?? {})
    const item = make('li', {}, `${status} ${description}`)
    if (schema?.$ref !== undefined && status < 300) {
      const name = schema.$ref.split('/').at(-1)
      const shape = make('pre', {}, asText(follow(openapi, schema)))
      item.append(make('details', {}, make('summary', {}, name), shape))
    }
    list.append(item)
  }
  return list
}

function routeOf(openapi, path, method, operation) {
  const { summary, description = '', parameters = [], requestBody } = operation
  const title = make('summary', {}, make('code', {}, `${method} ${path}`), ` ${summary}`)
  const route = make('details', {}, title, make('p', {}, description))
  const fields = parameters.map((parameter) => {
    const { input, label } = parameterInput(parameter)
    route.append(label)
    return { parameter, input }
  })
  let body
  if (requestBody !== undefined) {
    const schema = follow(openapi, requestBody.content['application/json'].schema)
    body = make('textarea', { rows: '10', spellcheck: 'false' })
    body.value = asText(schema.examples[0])
    const shape = make('pre', {}, asText(schema))
    route.append(make('label', {}, schema.description ?? 'Body', body))
    route.append(make('details', {}, make('summary', {}, 'Its schema'), shape))
  }
  const said = make('pre')
  said.hidden = true
  const button = make('button', { type: 'button' }, 'Send')
  button.addEventListener('click', async () => {
    said.hidden = false
    said.textContent = '…'
    said.textContent = await send(method, requestOf(path, fields), body?.value).catch(String)
  })
  route.append(button, said, responsesOf(openapi, operation))
  return route
}

const openapi = await (await fetch('/v1/openapi.json')).json()
byId('about').textContent = openapi.info.description
for (const [path, operations] of Object.entries(openapi.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    byId('routes').append(routeOf(openapi, path, method.toUpperCase(), operation))
  }
}
