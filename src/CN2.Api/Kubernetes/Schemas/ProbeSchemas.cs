using static CN2.Api.Kubernetes.Schemas.Define;
using static CN2.Api.Kubernetes.Schemas.ReferenceSchemas;

namespace CN2.Api.Kubernetes.Schemas;

/// <summary>Probes and hooks of a container. Who runs pods reads them; health of endpoints here is that of a ServiceHealthCheck.</summary>
internal static class ProbeSchemas
{
    private static readonly Schema.Structure Header = Structure(Core + "HTTPHeader", "A header of a request.",
        Text(1, "name", "The name of the header.").Required(),
        Text(2, "value", "Its value.").Required());

    private static readonly Schema.Structure HttpGet = Structure(Core + "HTTPGetAction", "A GET request.",
        Text(3, "host", "The host; the pod's address when absent."),
        List(5, "httpHeaders", Header, "Headers of the request."),
        Text(1, "path", "The path.").DefaultsTo("\"/\""),
        NumberOrText(2, "port", "The port, as a number or a name.").Required(),
        Text(4, "scheme", "HTTP or HTTPS.", "HTTP", "HTTPS").DefaultsTo("\"HTTP\""));

    private static readonly Schema.Structure Socket = Structure(Core + "TCPSocketAction", "A TCP connection.",
        Text(2, "host", "The host; the pod's address when absent."),
        NumberOrText(1, "port", "The port, as a number or a name.").Required());

    private static readonly Schema.Structure Exec = Structure(Core + "ExecAction", "A command in the container.",
        Texts(1, "command", "The command and its arguments."));

    private static readonly Schema.Structure Grpc = Structure(Core + "GRPCAction", "A request to the gRPC health service.",
        Number(1, "port", "The port.").Required(),
        Text(2, "service", "The service that is asked about.").DefaultsTo("\"\""));

    public static Schema.Structure Probe { get; } = Structure(Core + "Probe", "A question that is asked again and again.",
    [
        .. Embedded(1, Of(1, "exec", Exec, "A command in the container.")),
        Number(6, "failureThreshold", "How many failures in a row count.").DefaultsTo("3"),
        .. Embedded(1, Of(4, "grpc", Grpc, "A request to the gRPC health service."), Of(2, "httpGet", HttpGet, "A GET request.")),
        Number(2, "initialDelaySeconds", "How many seconds after the start it begins."),
        Number(4, "periodSeconds", "How many seconds lie between two.").DefaultsTo("10"),
        Number(5, "successThreshold", "How many successes in a row count.").DefaultsTo("1"),
        .. Embedded(1, Of(3, "tcpSocket", Socket, "A TCP connection.")),
        Long(7, "terminationGracePeriodSeconds", "How many seconds the container is given to end.").Nullable(),
        Number(3, "timeoutSeconds", "How many seconds an answer may take.").DefaultsTo("1"),
    ]);

    private static readonly Schema.Structure Handler = Structure(Core + "LifecycleHandler", "What is done at a moment in a container's life.",
        Of(1, "exec", Exec, "A command in the container."),
        Of(2, "httpGet", HttpGet, "A GET request."),
        Of(4, "sleep", Structure(Core + "SleepAction", "A pause.", Long(1, "seconds", "How many seconds.").Required()), "A pause."),
        Of(3, "tcpSocket", Socket, "Not used."));

    public static Schema.Structure Lifecycle { get; } = Structure(Core + "Lifecycle", "What is done at moments in a container's life.",
        Of(1, "postStart", Handler, "After the start."),
        Of(2, "preStop", Handler, "Before the end."),
        Text(3, "stopSignal", "The signal that ends it."));
}
