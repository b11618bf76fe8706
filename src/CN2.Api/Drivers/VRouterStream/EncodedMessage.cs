using System.Buffers;
using CN2.VRouter.V1;
using Google.Protobuf;
using Grpc.Core;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>A message to agents as the bytes of its protobuf encoding. What many agents get is encoded once, and all streams write the same bytes.</summary>
internal sealed class EncodedMessage(ReadOnlyMemory<byte> bytes)
{
    public static readonly Marshaller<EncodedMessage> Marshaller = Marshallers.Create(
        static (message, context) =>
        {
            context.SetPayloadLength(message.Length);
            context.GetBufferWriter().Write(message.Bytes.Span);
            context.Complete();
        },
        static EncodedMessage (context) => throw new NotSupportedException("the server reads no messages of its own"));

    public ReadOnlyMemory<byte> Bytes => bytes;

    public int Length => bytes.Length;

    public static EncodedMessage Of(ServerMessage message) => new(message.ToByteArray());
}
