FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/tracker
ENV PATH=/opt/tracker/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock ./
RUN pip install --no-deps --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-index --no-deps --no-build-isolation . \
    && pip uninstall --yes hatchling editables drf-spectacular-sidecar

FROM python:3.11-slim
RUN useradd --system --no-create-home tracker && install --directory --owner tracker /data
COPY --from=build /opt/tracker /opt/tracker
ENV PATH=/opt/tracker/bin:$PATH \
    TRACKER_DATA_DIR=/data \
    TRACKER_HOST=0.0.0.0 \
    TRACKER_LOG_FORMAT=json
USER tracker
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["tracker", "serve"]
