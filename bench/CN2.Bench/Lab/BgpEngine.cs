using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Options;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Bench.Lab;

/// <summary>gobgpd on the control node, and its gRPC interface for the bench's own (raw) use.</summary>
internal sealed class BgpEngine : IDisposable
{
    private readonly string _socket;
    private readonly GrpcChannel _channel;
    private readonly Wire.GobgpApi.GobgpApiClient _client;
    private readonly RunningProcess _process;

    public BgpEngine(PrivateNetwork network)
    {
        _socket = Path.Combine(network.Directory, "gobgp.sock");
        File.Delete(_socket); // gobgpd leaves it behind, and the engine of the scenario before had the same one
        _process = new("gobgpd", ["--pprof-disable", "--api-hosts", "unix://" + _socket], Path.Combine(network.Directory, "gobgpd.log"));
        _channel = GoBgpChannel.Open(new Uri("unix://" + _socket));
        _client = new Wire.GobgpApi.GobgpApiClient(_channel);
    }

    public long ResidentBytes => _process.ResidentBytes;

    public void Kill() => _process.Kill();

    public void Start()
    {
        File.Delete(_socket);
        _process.Start();
    }

    /// <summary>IPv4 paths in the global table; -1 while it does not answer or is not started.</summary>
    public async Task<long> CountAsync()
    {
        try
        {
            return (long)(await _client.GetTableAsync(new() { Family = RouteFamily.Inet.ToWire() }, deadline: DateTime.UtcNow.AddSeconds(10))).NumPath;
        }
        catch (RpcException)
        {
            return -1;
        }
    }

    /// <summary>What the API would do at least: start, every path in one stream of messages of 100, then the peer.</summary>
    public async Task RawReplayAsync(IReadOnlyList<Wire.AddPathStreamRequest> messages)
    {
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await _client.StartBgpAsync(new() { Global = new() { Asn = 64512, RouterId = "172.27.115.241", ListenPort = 179 } });
                return true;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
            {
                return false;
            }
        }, "gobgpd answers");
        using (var call = _client.AddPathStream())
        {
            foreach (var message in messages) await call.RequestStream.WriteAsync(message);
            await call.RequestStream.CompleteAsync();
            await call;
        }
    }

    /// <summary>How a driver of CN2.Api reaches it.</summary>
    public BgpOptions Options => new() { GoBgpAddress = new Uri("unix://" + _socket), RouterId = IPAddress.Parse("172.27.115.241") };

    /// <summary>The router vmx1 as a peer that knows this speaker is restarting.</summary>
    public async Task RawPeerAsync()
    {
        var peer = new PeerMapper(Options).Encode(new BgpPeer("vmx1", IPAddress.Parse("172.27.115.245"), 64512, 179, ["inet"], 90, null, null, false, true, false, true, 120), restarting: true);
        await _client.AddPeerAsync(new() { Peer = peer });
    }

    public async Task RawAddAsync(Wire.Path path) => await _client.AddPathAsync(new() { Path = path });

    public async Task RawWithdrawAsync(IEnumerable<Wire.Path> paths)
    {
        using var call = _client.AddPathStream();
        foreach (var path in paths)
        {
            var withdraw = path.Clone();
            withdraw.IsWithdraw = true;
            await call.RequestStream.WriteAsync(new() { Paths = { withdraw } });
        }

        await call.RequestStream.CompleteAsync();
        await call;
    }

    /// <summary>A path as the API words it, through compute1.</summary>
    public static Wire.Path Encode(PathMapper mapper, IPAddress prefix)
    {
        var (host, hop, attributes) = mapper.Map(new BgpPath(prefix, IPAddress.Parse("172.27.115.242"), 200, 100, [], []));
        return PathMapper.Encode(new PathChange(host, new HeldPath(hop, attributes, hop.Identifier), IsWithdraw: false));
    }

    public void Dispose()
    {
        _channel.Dispose();
        _process.Dispose();
    }
}
