using System.Buffers;
using System.Runtime.CompilerServices;
using CN2.Network.Sequencing;
using CN2.VRouter.V1;
using Google.Protobuf;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// The whole configuration of an agent as Snapshot messages. It is encoded while it is written, a chunk at a time, and what agents have in common is
/// encoded once, so many agents at once cost little more memory than one. Protobuf takes the items of a message in any order, so encoded items are only put
/// behind each other.
/// </summary>
internal static class VRouterSnapshot
{
    /// <summary>Aim for a chunk: below the size from which .NET frees memory late.</summary>
    private const int ChunkBytes = 64 * 1024;

    /// <summary>Collection that several agents have → its items, encoded.</summary>
    private static readonly ConditionalWeakTable<object, IReadOnlyList<byte[]>> Common = [];

    /// <summary>Always at least one message, the last of them marked. May be enumerated on any thread.</summary>
    /// <param name="takesInside">The agent knows entries for callers inside.</param>
    public static IEnumerable<EncodedMessage> Encode(ulong revision, VRouterConfig config, bool takesInside)
    {
        var chunk = new ArrayBufferWriter<byte>(ChunkBytes);
        foreach (var part in Parts(config, takesInside))
        {
            if (chunk.WrittenCount > 0 && chunk.WrittenCount + part.Length > ChunkBytes)
            {
                yield return Chunk(revision, chunk.WrittenSpan, last: false);
                chunk.ResetWrittenCount();
            }

            chunk.Write(part);
        }

        yield return Chunk(revision, chunk.WrittenSpan, last: true);
    }

    private static IEnumerable<byte[]> Parts(VRouterConfig config, bool takesInside)
    {
        var entries = config.NatEntries as VirtualRouterNatEntries;
        foreach (var shared in entries?.Shared ?? [])
        {
            var parts = takesInside ? shared.Encoded ??= Cut(Items(shared, takesInside)) : Cut(Items(shared, takesInside));
            foreach (var part in parts) yield return part;
        }

        foreach (var part in CommonParts(config.FloatingIPs, () => config.FloatingIPs.Select(a => new Items { FloatingIps = { VRouterMessages.Bytes(a) } }))) yield return part;
        foreach (var part in CommonParts(config.Attachments, () => config.Attachments.Select(a => new Items { Attachments = { VRouterMessages.Message(a) } }))) yield return part;
        foreach (var part in CommonParts(config.Inside, () => config.Inside.Select(n => new Items { Inside = { n.ToString() } }))) yield return part;
        var own = Items(entries?.Own ?? config.NatEntries, takesInside)
            .Concat(config.Probes.Select(p => new Items { Probes = { VRouterMessages.Message(p) } }))
            .Concat(config.RoutingInstances.Select(i => new Items { RoutingInstances = { VRouterMessages.Message(i) } }))
            .Concat(config.VpnRoutes.Select(r => new Items { VpnRoutes = { VRouterMessages.Message(r) } }))
            .Concat(config.EndpointHolders.Select(h => new Items { EndpointHolders = { VRouterMessages.Message(h) } }))
            .Concat(config.Carriers.Select(c => new Items { Carriers = { VRouterMessages.Message(c) } }));
        foreach (var items in own) yield return items.ToByteArray();
    }

    private static IEnumerable<Items> Items(IEnumerable<VirtualRouterNatEntry> entries, bool takesInside) =>
        entries.Select(e => VRouterMessages.Message(e, takesInside)).Where(m => !VRouterMessages.IsNothing(m)).Select(m => new Items { NatEntries = { m } });

    private static IReadOnlyList<byte[]> CommonParts<T>(IReadOnlyCollection<T> collection, Func<IEnumerable<Items>> items) =>
        collection.Count == 0 ? [] : Common.GetValue(collection, _ => Cut(items()));

    /// <summary>Encoded items, as many in a part as a chunk takes.</summary>
    private static List<byte[]> Cut(IEnumerable<Items> items)
    {
        var parts = new List<byte[]>(1);
        var part = new ArrayBufferWriter<byte>();
        foreach (var item in items)
        {
            if (part.WrittenCount > 0 && part.WrittenCount + item.CalculateSize() > ChunkBytes)
            {
                parts.Add(part.WrittenSpan.ToArray());
                part.ResetWrittenCount();
            }

            item.WriteTo(part);
        }

        if (part.WrittenCount > 0) parts.Add(part.WrittenSpan.ToArray());
        return parts;
    }

    /// <summary>A ServerMessage with a Snapshot with these encoded items.</summary>
    private static EncodedMessage Chunk(ulong revision, ReadOnlySpan<byte> items, bool last)
    {
        var head = Field(Snapshot.RevisionFieldNumber, CodedOutputStream.ComputeUInt64Size(revision)) + (last ? Field(Snapshot.LastFieldNumber, 1) : 0);
        var snapshot = head + LengthDelimited(Snapshot.ItemsFieldNumber, items.Length);
        var bytes = new byte[LengthDelimited(ServerMessage.SnapshotFieldNumber, snapshot)];
        var output = new CodedOutputStream(bytes);
        output.WriteTag(ServerMessage.SnapshotFieldNumber, WireFormat.WireType.LengthDelimited);
        output.WriteLength(snapshot);
        output.WriteTag(Snapshot.RevisionFieldNumber, WireFormat.WireType.Varint);
        output.WriteUInt64(revision);
        if (last)
        {
            output.WriteTag(Snapshot.LastFieldNumber, WireFormat.WireType.Varint);
            output.WriteBool(true);
        }

        output.WriteTag(Snapshot.ItemsFieldNumber, WireFormat.WireType.LengthDelimited);
        output.WriteLength(items.Length);
        items.CopyTo(bytes.AsSpan((int)output.Position));
        return new EncodedMessage(bytes);
    }

    /// <summary>Bytes of a field with its tag.</summary>
    private static int Field(int number, int size) => CodedOutputStream.ComputeTagSize(number) + size;

    private static int LengthDelimited(int number, int length) => Field(number, CodedOutputStream.ComputeLengthSize(length) + length);
}
