using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using CN2.Network.Addressing;
using CN2.Network.Selection;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter;

/// <summary>Reads the command line (docs/contract.md §1). Pure.</summary>
public static partial class AgentCommandLine
{
    public const string Usage = """
        cn2-vrouter: the agent of a CN2 compute node. It receives what its node must do, programs nftables, probes local endpoints.

          cn2-vrouter --server URL [--server URL ...] --name NAME --address IPV4 [--address6 IPV6] [--state-dir DIR] [--table NAME]
              [--overlay auto|kernel|userspace] [--ca-file FILE] [--relay-port PORT]
          cn2-vrouter join --server URL --token TOKEN --ca-hash sha256:HEX --state-dir DIR [--name NAME] [--ca-file FILE] [--force]
          cn2-vrouter flush [--table NAME]
          cn2-vrouter --help

          --server URL     gRPC address of a CN2.Api, https://HOST:8081, or http:// without TLS. Several: the
                           agent has an order of its own, and uses the next one when one is away.
          --name NAME      name of this VirtualRouter: a DNS label, at most 63 characters.
          --address IPV4   this node's address: BGP next hop, and source of flows to endpoints on other nodes.
          --address6 IPV6  the same for IPv6.
          --state-dir DIR  where the last health states are kept over a restart, and the certificate of this node; made when absent.
                           Default: not kept, and the agent shows no certificate.
          --table NAME     name of the nftables tables (one ip, one ip6) that belong to the agent. Default: cn2.
          --overlay WHO    who carries VPN packets: the kernel where it can do MPLS (auto), the kernel, or the agent. Default: auto.
          --relay-port N   UDP port at which the agents of all nodes relay ICMP errors about too big packets to each other, and the number of
                           the nflog group; the same on all nodes. 0: they do not. Default: 8475.
          --ca-file FILE   PEM file of the CAs that https:// servers have their certificates from; read at each connection. Default: the
                           those of the join, else the system's.

        `join` makes a key and exchanges a join token (POST /v1/virtual-routers/NAME:join-token, which answers the whole command) for the
        certificate that says which VirtualRouter this node is. It needs no privilege but to write to DIR: agent.pem (key, certificate, CA; mode
        0600) and server-ca.pem. The agent shows and renews the certificate by itself.

          --token TOKEN    the join token; or --token-file FILE, or the environment variable CN2_JOIN_TOKEN, which do not stand in the
                           list of processes.
          --ca-hash HASH   by which the CA of the agents' certificates is known. Without --ca-file the server's own certificate must come
                           from that CA, too, and the server must send it with its chain.
          --ca-file FILE   PEM file of the CAs that the server's own certificate comes from, where that is another one.
          --force          join again although there is a certificate that is valid.

        An option that is left out is read from the environment: CN2_VROUTER_SERVER (several: separated by commas),
        CN2_VROUTER_NAME, CN2_VROUTER_ADDRESS, CN2_VROUTER_ADDRESS6, CN2_VROUTER_STATE_DIR, CN2_VROUTER_TABLE,
        CN2_VROUTER_OVERLAY, CN2_VROUTER_CA_FILE, CN2_VROUTER_RELAY_PORT.

        The agent needs CAP_NET_ADMIN in its network namespace and the nft command, and forwards only where net.ipv4.ip_forward
        (net.ipv6.conf.all.forwarding) is 1. It changes nothing outside its tables and leaves them in place when it stops, so that
        traffic goes on. For networks without fabric forwarding it also makes a device NAME-n for each RoutingInstance, with a routing
        table and rules of its own, and where the kernel carries VPN packets a network namespace NAME-mpls-*; devices of the agent's
        own forwarder are gone with it. `flush` removes all of it (stop the agent first, or it puts it back).

        """;

    /// <param name="environment">The value of an environment variable; null: it is not set.</param>
    public static AgentCommand Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        if (arguments.Any(a => a is "--help" or "-h") || arguments is ["help", ..]) return new AgentCommand.Help();
        if (arguments is ["join", ..]) return JoinCommandLine.Parse(arguments.Skip(1).ToList(), environment);
        var flush = arguments.Count > 0 && arguments[0] == "flush";
        var faults = new List<string>();
        var values = new Dictionary<string, List<string>>();
        var named = new Dictionary<string, string>(); // options from the environment, with the name of their variable
        string[] known = flush ? ["--table"] : ["--server", "--name", "--address", "--address6", "--state-dir", "--table", "--overlay", "--ca-file", "--relay-port"];
        for (var i = flush ? 1 : 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            var option = equals > 0 && argument.StartsWith("--", StringComparison.Ordinal) ? argument[..equals] : argument;
            if (!known.Contains(option))
            {
                faults.Add($"{argument}: there is no such option or command");
                continue;
            }

            string value;
            if (equals > 0)
            {
                value = argument[(equals + 1)..];
            }
            else if (i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                value = arguments[++i];
            }
            else
            {
                faults.Add($"{option}: a value is missing");
                continue;
            }

            if (!values.TryGetValue(option, out var list)) values.Add(option, list = []);
            else if (option != "--server") faults.Add($"{option}: given more than once");
            list.Add(value);
        }

        foreach (var option in known.Where(o => !values.ContainsKey(o)))
        {
            if (environment(Variable(option)) is not { Length: > 0 } text) continue;
            values.Add(option, option == "--server" ? [.. text.Split(',', StringSplitOptions.TrimEntries)] : [text]);
            named.Add(option, Variable(option));
        }

        var table = One("--table") ?? "cn2";
        if (!TableName().IsMatch(table)) faults.Add($"{Named("--table")} {table}: expected a letter, then letters, digits and _, at most 63");
        if (flush) return faults.Count > 0 ? new AgentCommand.Wrong(faults) : new AgentCommand.Flush(table);

        var servers = new List<Uri>();
        foreach (var text in values.GetValueOrDefault("--server") ?? [])
        {
            if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
                && uri.AbsolutePath == "/" && uri.Query.Length == 0 && uri.UserInfo.Length == 0) servers.Add(uri);
            else faults.Add($"{Named("--server")} {text}: expected https://HOST:PORT or http://HOST:PORT");
        }

        if (!values.ContainsKey("--server")) faults.Add("--server: missing; expected https://HOST:PORT or http://HOST:PORT of a CN2.Api");
        var name = One("--name");
        if (name is null) faults.Add("--name: missing; expected the name of this VirtualRouter");
        else if (NameSyntax.FaultOfDnsLabel(name) is not null) faults.Add($"{Named("--name")} {name}: expected a DNS label (a-z, 0-9, -), at most 63 characters");
        var address = Address("--address", AddressFamily.InterNetwork, "an IPv4 address such as 172.27.115.242");
        if (!values.ContainsKey("--address")) faults.Add("--address: missing; expected this node's IPv4 address");
        var address6 = Address("--address6", AddressFamily.InterNetworkV6, "an IPv6 address such as fd00::242");
        var directory = One("--state-dir");
        OverlayChoice? overlay = One("--overlay") switch
        {
            null or "auto" => OverlayChoice.Auto,
            "kernel" => OverlayChoice.Kernel,
            "userspace" => OverlayChoice.Userspace,
            _ => null,
        };
        if (overlay is null) faults.Add($"{Named("--overlay")} {One("--overlay")}: expected auto, kernel or userspace");
        if (directory is "") faults.Add("--state-dir: empty; expected a directory");

        var caFile = One("--ca-file");
        if (caFile is "") faults.Add("--ca-file: empty; expected a PEM file");
        else if (caFile is not null && servers.Count > 0 && servers.All(s => s.Scheme != "https")) faults.Add($"{Named("--ca-file")} {caFile}: expected a --server with https://");

        var relayPort = AgentCommand.DefaultRelayPort;
        if (One("--relay-port") is { } port && !(int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out relayPort) && relayPort <= ushort.MaxValue))
            faults.Add($"{Named("--relay-port")} {port}: expected a UDP port, or 0 to relay nothing");

        return faults.Count > 0
            ? new AgentCommand.Wrong(faults)
            : new AgentCommand.Run(servers, name!, address!, address6, directory, table, overlay!.Value, caFile, relayPort);

        string Named(string option) => named.GetValueOrDefault(option, option);

        string? One(string option) => values.TryGetValue(option, out var list) ? list[0] : null;

        IPAddress? Address(string option, AddressFamily family, string expected)
        {
            if (One(option) is not { } text) return null;
            // IPAddress also accepts "10.1" and "010.0.0.1", as other addresses than they seem.
            if (IPAddress.TryParse(text, out var parsed) && parsed.AddressFamily == family && HostAddress.IsValid(parsed)
                && (family == AddressFamily.InterNetworkV6 || parsed.ToString() == text)) return parsed;
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"{Named(option)} {text}: expected {expected}"));
            return null;
        }
    }

    internal static string Variable(string option) => "CN2_VROUTER_" + option[2..].Replace('-', '_').ToUpperInvariant();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_]{0,62}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex TableName();
}
