using System.ComponentModel.DataAnnotations;
using System.Net;

namespace CN2.Api.Options;

/// <summary>Section <c>Bgp</c>.</summary>
public sealed record BgpOptions : IValidatableObject
{
    /// <summary><c>gobgp</c>, or <c>none</c>: routes are computed and shown, not sent.</summary>
    [OneOf("gobgp", "none")]
    public string Engine { get; init; } = "gobgp";

    /// <summary>gobgpd's gRPC address, also <c>unix:///path</c>.</summary>
    [ConfigurationKeyName("GoBgp:Address"), EngineAddress]
    public Uri GoBgpAddress { get; init; } = new("http://127.0.0.1:50051");

    /// <summary>How gobgpd reaches this server, to report by BMP why sessions end; null: by loopback, where it runs beside this server.</summary>
    [ConfigurationKeyName("GoBgp:StationHost"), HostText]
    public string? StationHost { get; init; }

    /// <summary>1 to 4294967294, but not 23456, which stands for every four-byte number (RFC 6793, RFC 7300).</summary>
    [WholeNumber(1, uint.MaxValue - 1)]
    public uint AutonomousSystem { get; init; } = 64512;

    /// <summary>IPv4; null only when the engine is <c>none</c>.</summary>
    [AddressText(OnlyIPv4 = true)]
    public IPAddress? RouterId { get; init; }

    /// <summary>TCP port; -1: never listen, only connect.</summary>
    [WholeNumber(-1, 65535)]
    public int ListenPort { get; init; } = 179;

    /// <summary>Empty: every address.</summary>
    [AddressText]
    public IReadOnlyList<IPAddress> ListenAddresses { get; init; } = [];

    /// <summary>How many VPN routes are taken from one router at most.</summary>
    [WholeNumber(1, 1_000_000)]
    public int ImportedRoutesPerPeer { get; init; } = 10_000;

    public bool Enabled => Engine != "none";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Enabled && RouterId is null) yield return new("an IPv4 address that identifies this control node (or Bgp__Engine=none)", [nameof(RouterId)]);
        if (IPAddress.Any.Equals(RouterId)) yield return new("an IPv4 address other than 0.0.0.0", [nameof(RouterId)]);
        if (AutonomousSystem == 23456) yield return new("another number than 23456, which stands for all four-byte ones (RFC 6793)", [nameof(AutonomousSystem)]);
        if (ListenPort == 0) yield return new("a port from 1 to 65535, or -1 to only connect", [nameof(ListenPort)]);
    }
}
