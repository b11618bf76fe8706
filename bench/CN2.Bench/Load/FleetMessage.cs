extern alias agent;

using agent::CN2.VRouter.V1;
using CN2.Api.Kubernetes.Wire;

namespace CN2.Bench.Load;

/// <summary>What matters of one message of the server to an agent of a <see cref="Fleet"/>, counted in its bytes.</summary>
/// <param name="Body">What it is.</param>
/// <param name="Revision">Of a snapshot or delta.</param>
/// <param name="IsComplete">It ends a snapshot or a delta, so it is to be acknowledged.</param>
/// <param name="Addresses">FloatingIPs that it puts into the drop set.</param>
/// <param name="Items">Everything that it puts, these included.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record FleetMessage(ServerMessage.BodyOneofCase Body, ulong Revision, bool IsComplete, int Addresses, int Items, int Bytes)
{
    public static FleetMessage Read(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        if (!Next(ref reader)) return new FleetMessage(ServerMessage.BodyOneofCase.None, 0, false, 0, 0, 0);
        return reader.Number switch
        {
            ServerMessage.SnapshotFieldNumber => Snapshot(reader.Bytes, message.Length),
            ServerMessage.DeltaFieldNumber => Delta(reader.Bytes, message.Length),
            _ => new FleetMessage((ServerMessage.BodyOneofCase)reader.Number, 0, false, 0, 0, message.Length),
        };
    }

    private static FleetMessage Snapshot(ReadOnlySpan<byte> content, int bytes)
    {
        var reader = new ProtobufReader(content);
        var (revision, isLast, put) = (0ul, false, (Addresses: 0, Items: 0));
        while (Next(ref reader))
        {
            if (reader.Number == agent::CN2.VRouter.V1.Snapshot.RevisionFieldNumber) revision = reader.Varint;
            else if (reader.Number == agent::CN2.VRouter.V1.Snapshot.LastFieldNumber) isLast = reader.Varint != 0;
            else if (reader.Number == agent::CN2.VRouter.V1.Snapshot.ItemsFieldNumber) put = Count(reader.Bytes);
        }

        return new FleetMessage(ServerMessage.BodyOneofCase.Snapshot, revision, isLast, put.Addresses, put.Items, bytes);
    }

    private static FleetMessage Delta(ReadOnlySpan<byte> content, int bytes)
    {
        var reader = new ProtobufReader(content);
        var (revision, more, put) = (0ul, false, (Addresses: 0, Items: 0));
        while (Next(ref reader))
        {
            if (reader.Number == agent::CN2.VRouter.V1.Delta.RevisionFieldNumber) revision = reader.Varint;
            else if (reader.Number == agent::CN2.VRouter.V1.Delta.MoreFieldNumber) more = reader.Varint != 0;
            else if (reader.Number == agent::CN2.VRouter.V1.Delta.PutFieldNumber) put = Count(reader.Bytes);
        }

        return new FleetMessage(ServerMessage.BodyOneofCase.Delta, revision, !more, put.Addresses, put.Items, bytes);
    }

    private static (int Addresses, int Items) Count(ReadOnlySpan<byte> items)
    {
        var reader = new ProtobufReader(items);
        var (addresses, all) = (0, 0);
        while (Next(ref reader))
        {
            all++;
            if (reader.Number == agent::CN2.VRouter.V1.Items.FloatingIpsFieldNumber) addresses++;
        }

        return (addresses, all);
    }

    /// <exception cref="InvalidDataException">These bytes are no protobuf message.</exception>
    private static bool Next(ref ProtobufReader reader)
    {
        var hasNext = reader.Next();
        return reader.IsBroken ? throw new InvalidDataException($"no protobuf message, at field {reader.Number}") : hasNext;
    }
}
