using CN2.VRouter.V1;
using Google.Protobuf;
using Grpc.Core;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// Service VirtualRouterControl of vrouter.proto, in place of the generated base class: that one encodes a message again for each stream that it is
/// written to.
/// </summary>
[BindServiceMethod(typeof(VRouterStreamBase), nameof(Bind))]
internal abstract class VRouterStreamBase
{
    private static readonly Method<AgentMessage, EncodedMessage> ConnectMethod = new(
        MethodType.DuplexStreaming,
        VirtualRouterControl.Descriptor.FullName,
        nameof(Connect),
        Marshallers.Create(static message => message.ToByteArray(), AgentMessage.Parser.ParseFrom),
        EncodedMessage.Marshaller);

    public abstract Task Connect(IAsyncStreamReader<AgentMessage> requestStream, IServerStreamWriter<EncodedMessage> responseStream, ServerCallContext context);

    /// <summary>Called by gRPC, which finds it by the attribute of the class.</summary>
    public static void Bind(ServiceBinderBase binder, VRouterStreamBase? service) =>
        binder.AddMethod(ConnectMethod, service is null ? null : new DuplexStreamingServerMethod<AgentMessage, EncodedMessage>(service.Connect));
}
