# The UI with its daemon, on the locked packages; CI does not build it. Data are in the volume /data,
# one's own source files in /data/raw. The UI has no login: publish its port on this machine alone.
#   docker build --tag ncf-assets .
#   docker run --publish 127.0.0.1:3000:3000 --volume ncf-data:/data ncf-assets
#   docker run --volume ncf-data:/data ncf-assets ncf-assets materialize Sample
FROM python:3.12-slim
WORKDIR /project
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY . ./
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && useradd --create-home ncf && install --directory --owner ncf /data
USER ncf
ENV NCF_DATA_DIR=/data DAGSTER_HOME=/data/dagster
VOLUME /data
EXPOSE 3000
CMD ["ncf-assets", "ui", "--host", "0.0.0.0"]
