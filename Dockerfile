# The exchange as an image: packages in one stage, what runs in the other, without root.

FROM node:26-bookworm-slim AS packages
WORKDIR /onefill
COPY package.json package-lock.json .npmrc ./
# Scripts off: the image's own Node is used, Postgres runs in a container of its own.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:26-bookworm-slim
ENV NODE_ENV=production ONEFILL_HTTP_HOST=0.0.0.0
WORKDIR /onefill
COPY --from=packages /onefill/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY src ./src
RUN mkdir .onefill && chown node:node .onefill
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/onefill.js"]
CMD ["serve"]
