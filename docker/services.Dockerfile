# The demo's services, one program: docker run linkup-demo-services frontend --calls backend ...
#
#   docker build -f docker/services.Dockerfile -t linkup-demo-services .

FROM debian:12
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
COPY demo/service /service
USER 65534:65534
EXPOSE 3000/tcp
ENTRYPOINT ["/usr/bin/python3", "-B", "/service"]
