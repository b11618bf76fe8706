using CN2.Api.Data.Rows;
using CN2.Api.Watch;

namespace CN2.Api.VirtualMachineInterfaces;

public static class VirtualMachineInterfacesRegistration
{
    public static IServiceCollection AddVirtualMachineInterfaces(this IServiceCollection services) => services
        .AddSingleton<VirtualMachineInterfaceStore>()
        .AddWatched<VirtualMachineInterfaceRow, VirtualMachineInterfaceStore>(ResourceKind.VirtualMachineInterface, async (_, db, rows, ct) => await VirtualMachineInterfaceResources.ReadAsync(db, rows, ct));
}
