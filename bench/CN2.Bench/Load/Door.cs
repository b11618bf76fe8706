using System.Net;

namespace CN2.Bench.Load;

/// <summary>One of the two APIs of the server, and how Services are created through it.</summary>
/// <param name="Name">As the report shows it.</param>
/// <param name="Port">On the loopback address.</param>
/// <param name="Collection">The path of the Services of the namespace <c>default</c>.</param>
/// <param name="Body">A LoadBalancer Service without node ports (their range holds 2,768), by its name and the label of its endpoints.</param>
internal sealed record Door(string Name, int Port, string Collection, Func<string, string, string> Body)
{
    /// <summary>What its clients show as <c>Authorization: Bearer</c>, in turns; empty: nothing.</summary>
    public IReadOnlyList<string> Bearers { get; init; } = [];

    public static Door V1 { get; } = new("/v1", 8080, "/v1/namespaces/default/services", (name, app) =>
        $$"""{"name":"{{name}}","selector":{"app":"{{app}}"},"ports":[{"name":"http","protocol":"TCP","port":8080,"targetPort":80}],"allocateLoadBalancerNodePorts":false}""");

    /// <summary>Creates that are answered, and leave nothing: they warm a server up.</summary>
    public static Door DryRun { get; } = V1 with { Collection = V1.Collection + "?dryRun=true" };

    /// <summary>What kubectl would send.</summary>
    public static Door Kubernetes { get; } = new("Kubernetes", 8082, "/api/v1/namespaces/default/services", (name, app) =>
        $$$"""
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"{{{name}}}","namespace":"default"},"spec":{"type":"LoadBalancer","selector":{"app":"{{{app}}}"},"ports":[{"name":"http","protocol":"TCP","port":8080,"targetPort":80}],"allocateLoadBalancerNodePorts":false}}
        """);

    public IPEndPoint Server => new(IPAddress.Loopback, Port);

    /// <summary>A connection of the client with this number.</summary>
    public HttpLine Connect(int client) => new(Server, Bearers.Count == 0 ? null : Bearers[client % Bearers.Count]);

    public Uri Uri(string path) => new($"http://127.0.0.1:{Port}{path}");
}
